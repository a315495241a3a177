"""`python -m imgmove`."""

from imgmove.cli.main import main

if __name__ == "__main__":
    main()
