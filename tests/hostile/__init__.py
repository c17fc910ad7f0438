"""Small PDFs that cost much, and damaged ones at random: each is records or a named error, within bounds."""
