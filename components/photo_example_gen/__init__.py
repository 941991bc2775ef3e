"""The TFX component that turns label tables and their photos into examples."""
