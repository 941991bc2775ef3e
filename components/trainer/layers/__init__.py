"""What the network is made of besides the layers of Keras."""
