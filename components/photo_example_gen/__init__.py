"""A TFX component that turns a label table and its photos into examples."""
