# SPDX-License-Identifier: Apache-2.0
"""What may be on a disk after a loss of power, from the calls that record_calls.c has recorded.

What has been flushed is there. Of what has not, anything may be: of a file each page of each write, or a part of it, in any
order, with zeros where the file has become longer without its bytes; of a directory each name that was made, removed or
renamed, in any order, except that of two operations on one name the second needs the first. A file and the directory that
names it are flushed apart. Real file systems promise more; which of it, depends on which.
"""

PAGE = 4096


def read_record(path):
    """The calls: (name, path, further word, bytes)."""
    data = path.read_bytes()
    at = 0
    calls = []
    while at < len(data):
        end = data.index(b"\n", at)
        name, where, more, n = data[at:end].decode().split("\t")
        at = end + 1 + int(n)
        calls.append((name, where, more, data[end + 1:at]))
    return calls


class File:
    def __init__(self, content=b""):
        self.flushed = content
        self.pending = []  # (offset, bytes), of a cut (size, None)

    def write(self, at, content):
        while content:
            room = PAGE - at % PAGE
            self.pending.append((at, content[:room]))
            at, content = at + len(content[:room]), content[room:]

    def cut(self, size):
        self.pending.append((size, None))

    def flush(self):
        self.flushed, self.pending = self.content(), []

    def content(self, parts=None, longest=False):
        """With that part of each pending operation, from 0 to 1; `longest`: as long as it has been meanwhile."""
        if not self.pending:
            return self.flushed
        content = bytearray(self.flushed)
        length = len(content)
        for i, (at, new) in enumerate(self.pending):
            part = 1 if parts is None else parts[i]
            end = at if new is None else at + len(new)
            length = end if new is None else max(length, end)
            if new is not None:
                new, end = new[:int(part * len(new))], at + int(part * len(new))
            if part == 0 or new == b"":
                continue
            content.extend(bytes(max(0, end - len(content))))
            if new is None:
                del content[end:]
            else:
                content[at:end] = new
        if longest:
            content.extend(bytes(max(0, length - len(content))))
        return bytes(content)


class Directory:
    def __init__(self):
        self.flushed = {}
        self.pending = []  # (names, {name: node or None})

    def change(self, changes):
        self.pending.append((frozenset(changes), changes))

    def flush(self):
        self.flushed, self.pending = self.names(), []

    def names(self, chosen=None):
        """With those pending operations, by number, and those that they need."""
        chosen = range(len(self.pending)) if chosen is None else self.closed(chosen)
        names = dict(self.flushed)
        for i in sorted(chosen):
            names.update(self.pending[i][1])
        return {name: node for name, node in names.items() if node is not None}

    def closed(self, chosen):
        needed, names = set(), set()
        for i in reversed(range(len(self.pending))):
            if i in chosen or self.pending[i][0] & names:
                needed.add(i)
                names |= self.pending[i][0]
        return needed


# Which of n pending operations of every file, and whether it is as long as it has been.
FILE_PATTERNS = {
    "all": lambda n: ([1] * n, False),
    "none": lambda n: ([0] * n, False),
    "zeros": lambda n: ([0] * n, True),
    "all but half of the last": lambda n: ([1] * (n - 1) + [0.5], False),
    "all but half of the last, zeros": lambda n: ([1] * (n - 1) + [0.5], True),
    "all but the first": lambda n: ([0] + [1] * (n - 1), True),
    "the last": lambda n: ([0] * (n - 1) + [1], True),
}
# And of every directory.
DIRECTORY_PATTERNS = {
    "all": lambda n: range(n),
    "none": lambda n: (),
    "all but the last": lambda n: range(n - 1),
    "the last": lambda n: (n - 1,),
    "all but the first": lambda n: range(1, n),
}


class Disk:
    def __init__(self, root, tree):
        self.root = str(root)
        self.top = Directory()
        for path, content in tree.items():
            parent, name = self.find_parent(f"{self.root}/{path}")
            parent.change({name: Directory() if content is None else File(content)})
            parent.flush()

    def find(self, path):
        node = self.top
        for name in path[len(self.root):].split("/"):
            node = node.names()[name] if name else node
        return node

    def find_parent(self, path):
        parent, name = path.rsplit("/", 1)
        return self.find(parent), name

    def apply(self, call):
        name, path, more, content = call
        if name == "write":
            self.find(path).write(int(more), content)
        elif name == "cut":
            self.find(path).cut(int(more))
        elif name == "flush":
            self.find(path).flush()
        else:
            parent, last = self.find_parent(path)
            if name == "rename":
                other, new = self.find_parent(more)
                assert other is parent, "a name stays in its directory"
                parent.change({last: None, new: parent.names()[last]})
            else:
                parent.change({last: {"create": File, "mkdir": Directory, "remove": lambda: None}[name]()})

    def tree(self, of_directory=None, of_file=None):
        """As it is, or with what these choose of a node with pending operations."""
        found = {}

        def visit(directory, prefix):
            chosen = of_directory(directory) if of_directory and directory.pending else None
            for name, node in directory.names(chosen).items():
                if isinstance(node, Directory):
                    found[prefix + name] = None
                    visit(node, prefix + name + "/")
                else:
                    found[prefix + name] = node.content(*of_file(node) if of_file else ())
        visit(self.top, "")
        return found

    def states(self, random, samples):
        """(What was chosen, tree), some of them several times."""
        for named, names in DIRECTORY_PATTERNS.items():
            for written, parts in FILE_PATTERNS.items():
                yield (f"of directories {named}, of files {written}",
                       self.tree(lambda d: names(len(d.pending)), lambda f: parts(len(f.pending))))
        for sample in range(samples):
            yield (f"random {sample}",
                   self.tree(lambda d: [i for i in range(len(d.pending)) if random.random() < 0.5],
                             lambda f: ([random.choice((0, 1, 1, random.random())) for _ in f.pending],
                                        random.random() < 0.5)))
