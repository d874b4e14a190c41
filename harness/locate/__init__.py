"""Which operator is at fault: a case looked at from inside, operator by operator."""
