"""The predictor container: a published model behind REST and gRPC, with our own preparation."""
