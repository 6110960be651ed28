"""The rooms of the gradient checker one by one, each constant on both sides of where it decides."""
