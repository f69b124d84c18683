"""What befalls a person as a whole: merged, split, anonymised, waited for, told of a rank."""
