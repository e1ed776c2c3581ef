"""Boards that Collective Knowledge (CK) measures itself, with the commands of the 2018 study."""
