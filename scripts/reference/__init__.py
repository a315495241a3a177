"""What the generated parts of docs/reference/ say, each made from the code that they describe."""
