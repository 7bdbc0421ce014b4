"""`python -m bkdoctor`: the command line, for processes that start others of it."""

from bkdoctor.entry import main

if __name__ == "__main__":
    main()
