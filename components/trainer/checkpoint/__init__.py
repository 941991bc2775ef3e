"""What is kept of a training after each epoch, so that another process goes on with it."""
