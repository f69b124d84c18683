"""Who has earned most: standings for all time, weeks, months and courses, kept beside the ledger."""
