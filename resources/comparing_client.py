"""What the clients that find businesses share: whom they compare phones with.

Belongs here: holding the phone book. Does not: what of an answer is kept (`businesses`), URLs and
errors (one client each).
"""

from __future__ import annotations

from resources.businesses import EmptyBook, PhoneBook
from resources.key_client import KeyClient


class ComparingClient(KeyClient):
    """Base of the clients that find businesses; without a phone book nothing is compared."""

    _book: PhoneBook = EmptyBook()

    def use_phone_book(self, book: PhoneBook) -> None:
        """Compare the numbers of what is found with those of `book`."""
        self._book = book
