"""Models of DNA and how they are trained, evaluated and looked into, with Keras 3."""
