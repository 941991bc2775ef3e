"""Loyalty cards: compute a person's age on a photo from the date of birth in the card's profile."""
