"""Who changed what, and when: every act of a person, key or command, written once and never rewritten."""
