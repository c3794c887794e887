"""Second questions that lean on the one before: "it", or "And the red car?"."""
from about import TEACHING, Asked
from words import article


def second(a, single):
    """[Asked] that lean on one of `single`."""
    rng, named = a.rng, a.named
    about, forms = {}, {}  # object: its questions; form of question: (object's name, question) of each object
    for q in single:
        if q.kind in TEACHING or q.kind == "first":
            continue
        names = [(k, "the " + n) for k, o in enumerate(named) for n in o.names
                 if f"the {n} " in q.question or q.question.rstrip("?.").endswith(f"the {n}")]
        if len(names) == 1:
            (k, n), = names
            about.setdefault(k, []).append((n, q))
            forms.setdefault(q.question.replace(n, "{}"), []).append((k, n, q))
    out = []
    for k, asked in about.items():
        whole = article(f"{named[k].colour} {named[k].cls}")
        first = [q for _, q in asked] + 2 * [q for q in single if q.answer == whole and q.kind not in TEACHING]
        for _ in range(2):
            n, then = asked[rng.integers(len(asked))]
            q = first[rng.integers(len(first))]
            if q is not then and q.kind != then.kind and then.answer.split()[-1] not in q.question:
                text = then.question.replace(n, "it")
                if then.kind in ("detail", "where", "colour") and rng.random() < 0.3:
                    text = "And " + text[0].lower() + text[1:]
                out.append(Asked(text, then.answer, "two turns", then.at, (q.question, q.answer)))
    for row in forms.values():
        for i, (k, _, q) in enumerate(row):
            for other, n, then in row[i + 1:]:
                if other != k:
                    out.append(Asked(str(rng.choice([f"And {n}?", f"What about {n}?"])), then.answer, "two turns", then.at,
                                     (q.question, q.answer)))
    return out
