"""Originals: where a model that a user declares really lies, as local folders."""

from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import MissingSourceError, SourceError
from harness.core.model import Model
from harness.judge.catalog import ModelSource
from harness.judge.runs.lookup import Lookup, steps
from harness.judge.runs.safety import refuse_tokenizer_code


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """Folders of a declared model; None of what there is none.

    Attributes:
        folder: of its configuration, and of its weights where they are wanted.
        tokenizer: of its tokenizer, where that lies elsewhere.
    """

    folder: Path | None
    tokenizer: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Originals:
    """Looks declared models up.

    Attributes:
        folders: of `--harness-sources`, in order.
        hub: whether to ask the Hugging Face cache and the Hub at all.
    """

    folders: tuple[Path, ...]
    hub: bool

    def find(self, model: ModelSource, own: Model, *, whole: bool) -> Original:
        """The folders of a declared model.

        Args:
            model: of the recipe.
            own: what is declared of it.
            whole: whether its weights are wanted too.

        Raises:
            MissingSourceError: it is nowhere; the message lists every place tried.
            SourceError: its path is that of a file.
        """
        folder = tokenizer = None
        if own.path:
            folder = self._folder(own.path, model.root, own.revision, whole=whole)
        if own.tokenizer:
            tokenizer = self._folder(own.tokenizer, model.root, None, whole=False)
            refuse_tokenizer_code(tokenizer)
        return Original(folder=folder, tokenizer=tokenizer)

    def _folder(self, path: str, root: Path, revision: str | None, *, whole: bool) -> Path:
        """A folder of the user's repository, of a source folder, of the cache or of the Hub."""
        places = [root / Path(path).expanduser()]
        places += [folder / "models" / path for folder in self.folders]
        for place in places:
            if place.is_dir():
                return place.absolute()
            if place.is_file():
                raise SourceError(
                    f"{place} is a file", fix="give the folder that holds config.json and weights"
                )
        tried = [str(place) for place in places]
        lookup = Lookup.of_own(path, revision, whole=whole)
        for step in steps(hub=self.hub):
            folder, where = step(lookup)
            if folder is not None:
                return folder
            tried.append(where)
        raise MissingSourceError(
            f"model {path!r} was not found",
            why="\n".join(["tried:", *(f"  {place}" for place in tried)]),
            fix="correct path, which counts from the repository that holds the suites; go online; "
            "or declare what is known of it: Model(config={'model_type': …})",
        )
