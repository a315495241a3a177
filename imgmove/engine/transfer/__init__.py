"""The copy engine: range reads in, multipart parts out, checked part by part, resumable."""
