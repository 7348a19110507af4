"""Writes expected.json: what Python's Jinja2 makes of the templates in templates.txt.

Run it where Jinja2 3.1 is installed (python -m venv, pip install 'jinja2==3.1.*'):

    python crates/jinja/tests/jinja2/generate.py

The environment is set as dbt-core 1.11 sets its own: sandboxed, with the extensions `do` and `loopcontrols`, nothing
trimmed. templates.txt holds one template between two lines of `---`; a line of `--- why` names a group.
"""

import json
import pathlib

from jinja2.sandbox import SandboxedEnvironment

HERE = pathlib.Path(__file__).parent


def templates():
    group, lines = None, []
    for line in (HERE / "templates.txt").read_text(encoding="utf-8").split("\n"):
        if line == "---" or line.startswith("--- "):
            if lines:
                yield group, "\n".join(lines)
            lines = []
            if line != "---":
                group = line[4:]
        else:
            lines.append(line)
    if lines and any(lines):
        yield group, "\n".join(lines)


def unescape(text):
    # Characters that an editor would not keep: ⏎ is a carriage return, ␉ a tab, ␠ a blank at the end of a line.
    return text.replace("⏎", "\r").replace("␉", "\t").replace("␠", " ")


def main():
    environment = SandboxedEnvironment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    found = []
    for group, text in templates():
        text = unescape(text)
        try:
            found.append({"group": group, "template": text, "output": environment.from_string(text).render()})
        except Exception as error:  # every refusal counts, whatever its class
            found.append({"group": group, "template": text, "error": f"{type(error).__name__}: {error}"})
    out = "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in found) + "\n]\n"
    (HERE / "expected.json").write_text(out, encoding="utf-8")
    print(len(found), "templates")


if __name__ == "__main__":
    main()
