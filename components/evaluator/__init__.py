"""TFX's Evaluator with the gate's limits, and with a correct merge of TFMA's mean errors."""
