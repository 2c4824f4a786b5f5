"""`tallywire cases`: findings of one cause, worked by people, with the money they bring."""
