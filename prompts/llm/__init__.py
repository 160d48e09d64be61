"""The model layer, plain Python: which endpoint answers, how it is called, what its errors mean."""
