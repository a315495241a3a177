"""What a guest needs to start: facts gathered from the files of a disk, and the rules that judge them."""
