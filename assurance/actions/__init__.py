"""What is to be done about a case: proposed by one, approved by another, carried out once."""
