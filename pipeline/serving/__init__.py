"""The predictor container: serves a published model over REST and gRPC and prepares the photos."""
