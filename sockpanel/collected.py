"""Static files by their hashed names where they were collected (`./run` does it), else by their plain ones. It knows no page."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedStatic(CompressedManifestStaticFilesStorage):
    """A file that is not in the manifest is served as it is, where Django would answer 500."""

    def stored_name(self, name: str) -> str:
        known: str | None = self.hashed_files.get(self.hash_key(self.clean_name(name)))
        return known or name
