"""The reports of a hospital: what they say (content), how it is said (words, chapters, charts), and the PDF (typesetting)."""
