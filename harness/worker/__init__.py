"""The judged tower: runs inside the judged environment, with the packages under test and `core`.

Every file here is part of the environment key.
"""
