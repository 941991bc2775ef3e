"""TFX's Evaluator with the gate's limits, and with TFMA's mean errors merged rightly."""
