"""Where what is public about badges is found. Nothing in these addresses can be guessed or counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublicUrls:
    """The addresses of one issuer. `public_url` is where others reach the server."""

    public_url: str
    issuer_id: str

    @property
    def issuer(self) -> str:
        """The issuer's profile with its keys."""
        return f"{self.public_url}/public/badges/{self.issuer_id}"

    def award(self, public_id: str) -> str:
        """The page that says whether an award stands."""
        return f"{self.issuer}/awards/{public_id}"

    def image(self, image_id: str) -> str:
        """An uploaded image."""
        return f"{self.issuer}/images/{image_id}"

    def drawn(self, badge_id: str) -> str:
        """The medal of a badge without an image."""
        return f"{self.issuer}/medals/{badge_id}"

    def picture(self, badge_id: str, image_id: str | None) -> str:
        """A badge's image, or its medal."""
        return self.image(image_id) if image_id else self.drawn(badge_id)

    def status_list(self, key_id: str, number: int) -> str:
        """One of the lists that say what was revoked."""
        return f"{self.issuer}/status/{key_id}/{number}"
