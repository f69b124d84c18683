"""What people, keys and commands may do: each act stands here once, whoever asks for it.

An act opens its transaction, takes locks in the written order, writes its line of the audit log, tells
webhooks, and returns a dataclass. It knows no request, no command line and no spelling of an answer.
"""
