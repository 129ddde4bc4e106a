"""What a wrong call is answered with: the argument, the value, the rule, and a correct call.

Typer holds a copy of click under a private name, so its exceptions and parameters are known here
by what they carry, not by their class. What an exception does not carry is left out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from simtrial.core.errors import ArgumentError
from simtrial.core.located import nearest


def is_usage_fault(problem: BaseException) -> bool:
    """Return whether an exception is Typer's answer to a wrong call."""
    return hasattr(problem, "format_message") and hasattr(problem, "exit_code")


def usage_words(problem: Any, app: Any, arguments: Sequence[str]) -> str:
    """Return one line about a wrong call: what was given, the rule, the nearest, an example.

    Parameters
    ----------
    app : the command of all commands.
    arguments : what followed its name.
    """
    command, path = _called(app, arguments)
    return f"{path}: {_fault(problem, command)}{_correct_call(command, path)}"


def argument_words(problem: ArgumentError, names: Mapping[str, str]) -> str:
    """Return the message about an argument, in the words of a command line.

    Parameters
    ----------
    names : name of a function's argument -> the option that sets it.
    """
    option = names.get(problem.name, f"--{problem.name.replace('_', '-')}")
    texts = re.findall(r"'([^']*)'", problem.example) or [problem.example]
    example = " ".join(f"{option} {text}" for text in texts)
    return f"{option} is {problem.value}; {problem.rule}; for example {example}."


def repeated_option(app: Any, arguments: Sequence[str]) -> str | None:
    """Return the option that a call gives twice and that may be given once, or None.

    Of two values of one option the parser would silently take the last.
    """
    command, _ = _called(app, arguments)
    single = {
        name: option.name
        for option in getattr(command, "params", ())
        if _is_option(option) and not option.multiple
        for name in option.opts
    }
    seen = set()
    for word in arguments:
        if word == "--":
            return None  # names of files follow
        name = single.get(word.partition("=")[0])
        if name in seen:
            return word.partition("=")[0]
        if name is not None:
            seen.add(name)
    return None


def quoted(arguments: Sequence[str]) -> str:
    """Return a call as one would type it."""
    return shlex.join(["simtrial", *arguments])


def _called(app: Any, arguments: Sequence[str]) -> tuple[Any, str]:
    """Return the command that a call means, and its name."""
    command, path = app, "simtrial"
    for word in arguments:
        if word not in getattr(command, "commands", {}):
            break
        command, path = command.commands[word], f"{path} {word}"
    return command, path


def _fault(problem: Any, command: Any) -> str:
    """Return the fault in our words; Typer's own where a kind of fault is not known."""
    said = str(getattr(problem, "message", "") or problem.format_message()).rstrip(".")
    if hasattr(problem, "possibilities"):
        near = nearest(problem.option_name, [*_options(command), "--help"])
        return f"{problem.option_name} is not a known option; the nearest is {near}"
    parameter = getattr(problem, "param", None)
    if hasattr(problem, "param_type"):
        return f"{_name(parameter)} is missing; it is {getattr(parameter, 'help', 'required')}"
    if parameter is not None:
        return _bad_value(problem, parameter, said)
    for pattern, words in _SAID.items():
        found = re.match(pattern, said)
        if found:
            return words(found.group(1), command)
    return _lower(said)


def _bad_value(problem: Any, parameter: Any, said: str) -> str:
    cause = problem.__cause__
    errors = cause.errors() if hasattr(cause, "errors") else []
    given = str(errors[0]["input"]) if errors else None
    rule, example = _rule(parameter, given or "")
    if rule is None:
        return f"{_name(parameter)}: {_lower(said)}"
    value = f" is {given}" if given is not None else ""
    such_as = "" if example is None else f", such as {_name(parameter)} {example}"
    return f"{_name(parameter)}{value}; {rule}{such_as}"


def _rule(parameter: Any, given: str) -> tuple[str | None, object]:
    """Return the rule of a parameter's type in words, and a value that keeps it."""
    kind = next(_plain_types(getattr(parameter.type_descriptor, "annotation", None)), None)
    low, high, usual = parameter.min, parameter.max, parameter.default
    if get_origin(kind) is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        return f"choose {' or '.join(choices)}", nearest(given, choices)
    if kind not in (int, float):
        return None, None
    noun = "a whole number" if kind is int else "a number"
    example = usual if usual is not None else low
    if low is not None and high is not None:
        return f"it must be {noun} from {low:,} to {high:,}", example
    bounds = [f"of at least {low:,}"] if low is not None else []
    bounds += [f"of at most {high:,}"] if high is not None else []
    return " ".join(["it must be", noun, *bounds]), example


def _plain_types(annotation: Any) -> Iterator[Any]:
    """Yield the types inside an optional or a list; a Literal stays whole."""
    if get_origin(annotation) is Literal or not get_args(annotation):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _plain_types(part)


def _unknown_command(word: str, command: Any) -> str:
    known = list(getattr(command, "commands", {}))
    return f"{word} is not a command; of {', '.join(known)} the nearest is {nearest(word, known)}"


def _extra_argument(words: str, command: Any) -> str:
    names = [_name(p) for p in getattr(command, "params", ()) if not _is_option(p)]
    takes = f"the command takes {' '.join(names)}" if names else "the command takes options only"
    return f"{words} is one argument too many; {takes}, and a name of an option begins with --"


def _lonely_option(name: str, command: Any) -> str:
    return f"{name} is given without a value; write {name} VALUE"


def _flag_with_value(name: str, command: Any) -> str:
    return f"{name} is given a value and takes none; write {name} alone"


_SAID = {  # what the parser says, and what we say instead
    r"No such command '(.*?)'": _unknown_command,
    r"Got unexpected extra argument\(?s?\)? \((.*)\)": _extra_argument,
    r"Option '(.*?)' requires": _lonely_option,
    r"Option '(.*?)' does not take": _flag_with_value,
}


def _correct_call(command: Any, path: str) -> str:
    """Return the example of a command's help; of a group's first command that has one."""
    for part in (command, *getattr(command, "commands", {}).values()):
        call = (getattr(part, "epilog", None) or "").partition("Example: ")[2].strip()
        if call:
            return f"; a correct call: {call}"
    return f"; see {path} --help"


def _options(command: Any) -> list[str]:
    return [name for p in getattr(command, "params", ()) if _is_option(p) for name in p.opts]


def _is_option(parameter: Any) -> bool:
    return str(parameter.opts[0]).startswith("-")


def _name(parameter: Any) -> str:
    name = max(parameter.opts, key=len)
    return str(name) if _is_option(parameter) else str(name).upper()


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
