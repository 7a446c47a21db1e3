"""How much of what was said is found somewhere within all that was heard."""

from spaces_bridge.demo.wer import words_of


def word_error_rate_within(reference: str, heard: str) -> float:
    """As `word_error_rate`, of the best place in what was heard.

    For a recording that is played over and over: whoever begins to listen hears an end of it
    first, and how much of that depends on how busy the machine is.
    """
    wanted, written = words_of(reference), words_of(heard)
    row = [0] * (len(written) + 1)  # words before the place cost nothing
    for i, want in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(written, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (want != got))
    return min(row) / len(wanted)  # nor do those after it
