"""Cases: findings of one cause, worked by people, with what they brought."""
