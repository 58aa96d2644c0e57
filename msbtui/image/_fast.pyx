# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The hot loops of this room, compiled: each does what the pure module named beside it does, on the same data.

What is out of the ordinary is left to the pure module: a loop stops before it, or gives up and has changed nothing. Every
read from a buffer is checked against its length before; numbers come from headers that may lie.
"""

from cpython cimport array
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_DelItem, PyDict_GetItemWithError, PyDict_SetDefault
from cpython.list cimport PyList_Append
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    int PyUnicode_IS_ASCII(object text)
    int PyUnicode_KIND(object text)
    uint32_t PyUnicode_READ(int kind, void *data, Py_ssize_t at)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    /* glibc shows memmem only where it was asked for before the first header; its shape is the same everywhere. */
    void *memmem(const void *, size_t, const void *, size_t);
    #endif
    """
    void *memmem(const void *text, size_t size, const void *part, size_t part_size) nogil

cdef extern from "unistd.h" nogil:
    Py_ssize_t pread(int fd, void *buffer, size_t count, int64_t offset)

FORM = 3
"""Goes up whenever Python code and a module compiled from older source no longer fit together (`msbtui.image.fast`)."""

cdef enum:
    BLOCK = 512
    HEAD = 516        # a header, and the first bytes of the content behind it
    RUN = 1024        # headers whose columns are held before they are handed on
    WINDOW = 32768    # bytes read at once where headers lie close together
    NEAR = 4096      # bytes between two headers up to which they do

cdef int[7] KINDS
KINDS[:] = [0, 3, 2, 4, 5, 1, 6]

cdef array.array _NUMBERS = array.array("q"), _PIDS = array.array("i")

cdef enum:
    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    HARD_LINK = 3
    WHITEOUT = 7
    OPAQUE = 8

cdef enum:
    OTHER = 2         # what the file system shows: what is no directory


# -- headers: msbtui.image.tarplain ------------------------------------------------------------------------------

cdef int64_t _octal(const uint8_t *field, int width) noexcept nogil:
    """Give the number of an octal field, -1 where it is anything but blanks, digits and an end."""
    cdef int at = 0
    cdef int64_t value = 0
    while at < width and field[at] == 32:
        at += 1
    while at < width and 48 <= field[at] <= 55:
        value = value * 8 + (field[at] - 48)
        at += 1
    while at < width and field[at] == 32:
        at += 1
    return value if at == width or field[at] == 0 else -1


cdef uint32_t _sum(const uint8_t *header) noexcept nogil:
    """Give the sum of a header's bytes, those of the checksum counted as blanks."""
    cdef uint32_t total = 8 * 32
    cdef int at
    for at in range(BLOCK):
        total += header[at]
    for at in range(148, 156):
        total -= header[at]
    return total


cdef Py_ssize_t _length(const uint8_t *text, Py_ssize_t limit) noexcept nogil:
    """Give the bytes of a text before its NUL."""
    cdef const uint8_t *end = <const uint8_t *> memchr(text, 0, limit)
    return limit if end == NULL else end - text


cdef bint _plain_text(const uint8_t *text, Py_ssize_t size) noexcept nogil:
    """Tell whether a text is printable ASCII without the sign that begins escapes."""
    cdef Py_ssize_t at
    cdef uint8_t odd = 0
    for at in range(size):
        odd |= (text[at] < 32) | (text[at] > 126) | (text[at] == 92)
    return odd == 0


cdef bint _printable(const uint8_t *text, Py_ssize_t size) noexcept nogil:
    """Tell whether a text is printable ASCII."""
    cdef Py_ssize_t at
    cdef uint8_t odd = 0
    for at in range(size):
        odd |= (text[at] < 32) | (text[at] > 126)
    return odd == 0


cdef bint _clean(const uint8_t *name, Py_ssize_t size) noexcept nogil:
    """Tell whether no part of a path is empty, `.` or `..`."""
    return _clean_parts(name, size, False)


cdef bint _clean_parts(const uint8_t *name, Py_ssize_t size, bint marks=True) noexcept nogil:
    """Tell whether no part of a path is empty, `.` or `..`, or (with `marks`) begins as a mark does."""
    cdef Py_ssize_t at = 0
    if size == 0 or name[0] == 47:
        return False
    while True:
        # `at` is where a part begins.
        if at == size or name[at] == 47:
            return False
        if name[at] == 46:
            if at + 1 == size or name[at + 1] == 47:
                return False
            if name[at + 1] == 46 and (at + 2 == size or name[at + 2] == 47):
                return False
            if marks and at + 4 <= size and name[at + 1] == 119 and name[at + 2] == 104 and name[at + 3] == 46:
                return False
        while at < size and name[at] != 47:
            at += 1
        if at == size:
            return True
        at += 1


cdef object _ascii(const uint8_t *text, Py_ssize_t size):
    cdef object made = PyUnicode_New(size, 127)
    memcpy(PyUnicode_DATA(made), text, size)
    return made


cdef class Run:
    """Takes in runs of plain headers, as `msbtui.image.tarplain.take_run` does.

    `heads` are two lists that get the numbers of the files that begin as ELF and as PEM files do, or None. With a `descriptor`
    the bytes are read from that file, in which the archive begins at byte `start`: of sparse archives the system then maps
    no pages, which costs more than the reading.
    """

    cdef object _entry_path, _printable_bytes
    cdef list _elves, _pems
    cdef int _descriptor
    cdef int64_t _start
    cdef int64_t _window_at
    cdef Py_ssize_t _window_size
    cdef int _count
    cdef uint8_t _kinds[RUN]
    cdef int64_t _sizes[RUN]
    cdef uint32_t _modes[RUN]
    cdef int64_t _uids[RUN]
    cdef int64_t _gids[RUN]
    cdef double _mtimes[RUN]
    cdef int64_t _offsets[RUN]
    cdef uint8_t _window[WINDOW]

    def __init__(self, entry_path, printable_bytes, heads=None, int descriptor=-1, int64_t start=0):
        self._entry_path, self._printable_bytes = entry_path, printable_bytes
        if heads is not None:
            self._elves, self._pems = heads
        self._descriptor, self._start = descriptor, start

    cdef _flush(self, index):
        cdef int n = self._count
        self._count = 0
        if n:
            index.kinds.extend(PyBytes_FromStringAndSize(<char *> self._kinds, n))
            array.extend_buffer(index.sizes, <char *> self._sizes, n)
            array.extend_buffer(index.modes, <char *> self._modes, n)
            array.extend_buffer(index.uids, <char *> self._uids, n)
            array.extend_buffer(index.gids, <char *> self._gids, n)
            array.extend_buffer(index.mtimes, <char *> self._mtimes, n)
            array.extend_buffer(index.offsets, <char *> self._offsets, n)

    cdef const uint8_t *_read(self, int64_t at, Py_ssize_t wanted, Py_ssize_t more, int64_t left) noexcept:
        """Give `wanted` bytes from byte `at` of the archive, NULL where they are not to be had; `more` are read where they are there."""
        cdef Py_ssize_t got
        if at < self._window_at or at + wanted > self._window_at + self._window_size:
            got = pread(self._descriptor, self._window, more if more < left else left, self._start + at)
            self._window_at, self._window_size = at, got if got > 0 else 0
            if self._window_size < wanted:
                return NULL
        return self._window + (at - self._window_at)

    def take(self, scanner, const uint8_t[::1] view, Py_ssize_t pos, int64_t base):
        """Take in the headers of `view` from `pos` on; give the position of the first that is not plain or whose content is not all here.

        The view is that of the archive from byte `base` on.
        """
        cdef object index = scanner.index
        cdef list paths = index.paths
        cdef dict links = index.links
        cdef const uint8_t *data = NULL
        cdef const uint8_t *header
        cdef const uint8_t *name
        cdef const uint8_t *short
        cdef Py_ssize_t size = view.shape[0], length, name_size, before = -NEAR - 1, number = len(paths), wanted
        cdef int64_t body, mode, uid, gid, time, said
        cdef int kind, flag, n
        cdef uint8_t joined[256]
        cdef object path, text
        if size:
            data = &view[0]
        try:
            while 0 <= pos <= size - BLOCK:
                wanted = HEAD if pos <= size - HEAD else BLOCK
                if self._descriptor < 0:
                    header = data + pos
                else:
                    header = self._read(base + pos, wanted, WINDOW if pos - before <= NEAR else HEAD, size - pos)
                    if header == NULL:
                        break  # the map tells what is wrong
                before = pos
                flag = header[156]
                if flag < 48 or flag > 54:
                    break
                said = _octal(header + 148, 8)
                if said < 0 or said != _sum(header):
                    break
                body = 0
                if flag == 48:
                    body = _octal(header + 124, 12)
                    if body < 0 or body > size - BLOCK - pos:
                        break
                mode, uid, gid = _octal(header + 100, 8), _octal(header + 108, 8), _octal(header + 116, 8)
                time = _octal(header + 136, 12)
                if mode < 0 or uid < 0 or gid < 0 or time < 0:
                    break
                name = header
                name_size = _length(header, 100)
                if header[345]:
                    if memcmp(header + 257, b"ustar\0", 6) != 0 or memcmp(header + 508, b"tar\0", 4) == 0:
                        break
                    length = _length(header + 345, 155)
                    memcpy(joined, header + 345, length)
                    joined[length] = 47
                    memcpy(joined + length + 1, header, name_size)
                    name, name_size = joined, length + 1 + name_size
                kind = KINDS[flag - 48]
                short, length = name, name_size
                if length > 2 and short[0] == 46 and short[1] == 47:
                    short, length = short + 2, length - 2
                if length > 1 and short[length - 1] == 47:
                    length -= 1
                if _plain_text(short, length) and _clean_parts(short, length):
                    path = _ascii(short, length)
                else:
                    path = self._entry_path(PyBytes_FromStringAndSize(<char *> name, name_size))
                    if not path or ".wh." in path:
                        path, kind = scanner.marked(path, kind, number)
                if kind == HARD_LINK or kind == SYMLINK:
                    length = _length(header + 157, 100)
                    if _plain_text(header + 157, length) and (kind == SYMLINK or _clean_parts(header + 157, length)):
                        links[number] = _ascii(header + 157, length)
                    else:
                        text = PyBytes_FromStringAndSize(<char *> header + 157, length)
                        links[number] = self._entry_path(text) if kind == HARD_LINK else self._printable_bytes(text)
                n = self._count
                self._kinds[n] = kind
                self._sizes[n] = body if kind == FILE else 0
                self._modes[n] = mode & 0o7777
                self._uids[n] = uid
                self._gids[n] = gid
                self._mtimes[n] = time
                self._offsets[n] = base + pos + BLOCK
                PyList_Append(paths, path)
                self._count = n + 1
                if self._elves is not None and kind == FILE and body >= 52 and wanted == HEAD:
                    if memcmp(header + BLOCK, b"\x7fELF", 4) == 0:
                        PyList_Append(self._elves, number)
                    elif memcmp(header + BLOCK, b"----", 4) == 0:
                        PyList_Append(self._pems, number)
                number += 1
                pos += BLOCK + ((body + 511) & ~<int64_t> 511)
                if self._count == RUN:
                    self._flush(index)
        finally:
            self._flush(index)
        return pos


# -- the table of paths: msbtui.image.stack.LayerStack ------------------------------------------------------------------

cdef Py_ssize_t _slash(object path) except -2:
    """Give where the last slash of a path stands, -1 where it has none."""
    cdef Py_ssize_t at = PyUnicode_GET_LENGTH(path)
    cdef int kind = PyUnicode_KIND(path)
    cdef void *data = PyUnicode_DATA(path)
    while at > 0:
        at -= 1
        if PyUnicode_READ(kind, data, at) == 47:
            return at
    return -1


cdef bint _begins(object path, object folder, Py_ssize_t length):
    """Tell whether `folder` is the first `length` characters of `path`."""
    return (
        PyUnicode_GET_LENGTH(folder) == length
        and PyUnicode_KIND(folder) == PyUnicode_KIND(path)
        and memcmp(PyUnicode_DATA(folder), PyUnicode_DATA(path), length * PyUnicode_KIND(path)) == 0
    )


def add_new(stack, dict ids, list known_paths, array.array parents, list paths, const uint8_t[::1] kinds, int layer,
            Py_ssize_t base, array.array row_path):
    """Do what `LayerStack._add_new` does in the common case; give the entries that are left, None where it is another case."""
    cdef Py_ssize_t count = len(paths), entry, first = len(known_paths), new = 0, slash, folders = 0, at
    cdef const uint8_t[::1] state = stack._state
    cdef list rest = [], folder_names = [], missing = []
    cdef dict slots = {}
    cdef set watched = set()
    cdef object path, folder = None, number
    cdef int pid, kind, slot = 0
    cdef PyObject *found
    cdef array.array column
    cdef int32_t[::1] live_row, first_row
    cdef uint8_t[::1] new_state
    cdef int32_t *numbers
    cdef int32_t *lies_in
    cdef int32_t *first_in
    cdef int32_t *own
    if 2 * count + first > 0x7FFFFFFF or base + count > min(0x7FFFFFFF, len(row_path)) or kinds.shape[0] != count:
        return None
    numbers = <int32_t *> PyMem_Malloc((4 * count + 1) * sizeof(int32_t))
    if numbers == NULL:
        raise MemoryError
    # By new entry its number and the slot of its directory; by slot the first new entry there, and the entry that is it.
    lies_in, first_in, own = numbers + count, numbers + 2 * count, numbers + 3 * count
    try:
        for entry in range(count):
            path, kind = paths[entry], kinds[entry]
            found = PyDict_GetItemWithError(ids, path)
            if found != NULL or kind >= WHITEOUT:
                rest.append(entry)
                if found == NULL:
                    watched.add(path)
                elif kind < WHITEOUT and kind != DIRECTORY and state[<Py_ssize_t> <object> found] == DIRECTORY:
                    return None
                continue
            slash = _slash(path)
            if slash < 0:
                slash = 0
            if folder is None or not _begins(path, folder, slash):
                folder = path[:slash]
                found = PyDict_GetItemWithError(slots, folder)
                if found == NULL:
                    slots[folder] = slot = folders
                    folder_names.append(folder)
                    first_in[slot], own[slot] = new, -1
                    folders += 1
                else:
                    slot = <object> found
            numbers[new], lies_in[new] = entry, slot
            new += 1
        if new == 0:
            return rest
        for at in range(folders):
            found = PyDict_GetItemWithError(ids, folder_names[at])
            if found == NULL:
                missing.append(at)
            elif state[<Py_ssize_t> <object> found] != DIRECTORY:
                return None
        if missing:
            for at in range(new):
                found = PyDict_GetItemWithError(slots, paths[numbers[at]])
                if found != NULL:
                    slot = <object> found
                    if kinds[numbers[at]] != DIRECTORY or at > first_in[slot]:
                        return None
                    own[slot] = at
            missing = [folder_names[at] for at in missing if own[at] < 0]
            if missing:
                missing = stack._with_parents(missing)
                if not missing:
                    return None
                watched.update(missing)
        if watched:
            for at in range(new):
                if paths[numbers[at]] in watched:
                    return None
        state = None
        if missing:
            stack._imply_all(missing, layer)
            first = len(known_paths)
        for at in range(new):
            path, number = paths[numbers[at]], first + at
            found = PyDict_SetDefault(ids, path, number)
            if found == NULL:
                raise MemoryError
            if <object> found is not number:  # two entries for one path
                for at in range(at):
                    PyDict_DelItem(ids, paths[numbers[at]])
                return None
        stack._reserve(first + new)
        column = stack._live_row
        live_row = column
        column = stack._first_row
        first_row = column
        new_state = stack._state
        for at in range(folders):
            own[at] = ids[folder_names[at]]
        array.resize_smart(parents, first + new)
        for at in range(new):
            entry = numbers[at]
            if new != count:
                PyList_Append(known_paths, paths[entry])
            new_state[first + at] = DIRECTORY if kinds[entry] == DIRECTORY else OTHER
            live_row[first + at] = base + entry
            first_row[first + at] = base + entry
            parents.data.as_ints[first + at] = own[lies_in[at]]
            row_path.data.as_ints[base + entry] = first + at
        if new == count:
            known_paths += paths
        return rest
    finally:
        PyMem_Free(numbers)


def link(stack, array.array parents, Py_ssize_t first, Py_ssize_t end):
    """Do the work of `LayerStack._link` for the paths from `first` to before `end`."""
    cdef array.array one = stack._first_child, two = stack._next_sibling, three = stack._first_live
    cdef array.array four = stack._next_live, five = stack._prev_live
    cdef int32_t[::1] first_child = one, next_sibling = two, first_live = three, next_live = four, prev_live = five
    cdef const uint8_t[::1] state = stack._state
    cdef Py_ssize_t pid, parent
    cdef int32_t head
    if not (0 < first <= end <= len(parents) and end <= first_child.shape[0] and end <= next_sibling.shape[0]
            and end <= first_live.shape[0] and end <= next_live.shape[0] and end <= prev_live.shape[0] and end <= state.shape[0]):
        raise IndexError("columns of paths of different lengths")
    for pid in range(first, end):
        parent = parents.data.as_ints[pid]
        if not 0 <= parent < end:
            raise IndexError("a path without a directory")
        next_sibling[pid] = first_child[parent]
        first_child[parent] = pid
        if state[pid]:
            head = first_live[parent]
            next_live[pid] = head
            if head >= 0:
                prev_live[head] = pid
            first_live[parent] = pid


# -- the last parts of paths: msbtui.image.lastparts ---------------------------------------------------------------------

cdef struct Text:
    int kind
    const void *data
    Py_ssize_t start
    Py_ssize_t end


cdef Text _last_part(object path):
    cdef Text text
    text.kind, text.data = PyUnicode_KIND(path), PyUnicode_DATA(path)
    text.end = PyUnicode_GET_LENGTH(path)
    text.start = _slash(path) + 1
    return text


cdef bint _to_suffix(Text *text) noexcept:
    """Narrow a last part to what follows its last dot; tell whether there is one that does not stand first."""
    cdef Py_ssize_t at = text.end
    while at > text.start:
        at -= 1
        if PyUnicode_READ(text.kind, <void *> text.data, at) == 46:
            if at == text.start:
                return False
            text.start = at + 1
            return True
    return False


cdef inline uint32_t _lower(uint32_t sign) noexcept:
    return sign + 32 if 65 <= sign <= 90 else sign


cdef uint32_t _hash(Text *text, bint lower, bint *ascii) noexcept:
    cdef uint32_t value = 2166136261
    cdef uint32_t sign
    cdef uint32_t every = 0
    cdef Py_ssize_t at
    for at in range(text.start, text.end):
        sign = PyUnicode_READ(text.kind, <void *> text.data, at)
        every |= sign
        value = (value ^ (_lower(sign) if lower else sign)) * 16777619
    ascii[0] = every < 128
    return value ^ (value >> 15)


cdef bint _equal(Text *one, Text *other, bint lower) noexcept:
    cdef Py_ssize_t at
    cdef uint32_t a
    if one.end - one.start != other.end - other.start:
        return False
    for at in range(one.end - one.start):
        a = PyUnicode_READ(one.kind, <void *> one.data, one.start + at)
        if (_lower(a) if lower else a) != PyUnicode_READ(other.kind, <void *> other.data, other.start + at):
            return False
    return True


cdef class LastParts:
    """Which of some paths end with a name, or with a dot and a suffix whatever its case."""

    cdef list _paths
    cdef int32_t *_pids
    cdef int32_t *_name_heads
    cdef int32_t *_name_next
    cdef int32_t *_suffix_heads
    cdef int32_t *_suffix_next
    cdef uint32_t _mask
    cdef dict _odd

    def __init__(self, list paths, pids):
        cdef Py_ssize_t count = len(pids), slots = 16, at, pid
        cdef Text text
        cdef uint32_t slot
        cdef bint ascii
        if self._pids != NULL:
            raise RuntimeError("made already")
        while slots < count:
            slots *= 2
        self._paths, self._odd = paths, {}
        self._pids = <int32_t *> PyMem_Malloc((3 * count + 2 * slots) * sizeof(int32_t))
        if self._pids == NULL:
            raise MemoryError
        self._name_next, self._suffix_next = self._pids + count, self._pids + 2 * count
        self._name_heads, self._suffix_heads = self._pids + 3 * count, self._pids + 3 * count + slots
        self._mask = slots - 1
        for at in range(2 * slots):
            self._name_heads[at] = -1
        # From the last on, so that a list begins with the first.
        for at in range(count - 1, -1, -1):
            pid = pids[at]
            if not 0 <= pid < len(paths):
                raise IndexError("a path that is none")
            self._pids[at] = pid
            text = _last_part(paths[pid])
            slot = _hash(&text, False, &ascii) & self._mask
            self._name_next[at] = self._name_heads[slot]
            self._name_heads[slot] = at
            self._suffix_next[at] = -1
            if _to_suffix(&text):
                slot = _hash(&text, True, &ascii) & self._mask
                if ascii:
                    self._suffix_next[at] = self._suffix_heads[slot]
                    self._suffix_heads[slot] = at
                else:
                    self._odd.setdefault(paths[pid][text.start :].lower(), []).insert(0, pid)

    def __dealloc__(self):
        PyMem_Free(self._pids)

    def named(self, str name):
        """Give the paths that end with this name, in order."""
        cdef Text wanted, text
        cdef bint ascii
        cdef list found = []
        wanted.kind, wanted.data, wanted.start, wanted.end = PyUnicode_KIND(name), PyUnicode_DATA(name), 0, len(name)
        cdef int32_t at = self._name_heads[_hash(&wanted, False, &ascii) & self._mask]
        while at >= 0:
            text = _last_part(self._paths[self._pids[at]])
            if _equal(&text, &wanted, False):
                found.append(self._pids[at])
            at = self._name_next[at]
        return found

    def ending(self, str suffix):
        """Give the paths whose names end with a dot and this, which is in lower case, in order."""
        cdef Text wanted, text
        cdef bint ascii
        cdef list found = []
        wanted.kind, wanted.data, wanted.start, wanted.end = PyUnicode_KIND(suffix), PyUnicode_DATA(suffix), 0, len(suffix)
        cdef int32_t at = self._suffix_heads[_hash(&wanted, False, &ascii) & self._mask]
        while at >= 0:
            text = _last_part(self._paths[self._pids[at]])
            if _to_suffix(&text) and _equal(&text, &wanted, True):
                found.append(self._pids[at])
            at = self._suffix_next[at]
        if suffix in self._odd:
            found = sorted(found + self._odd[suffix])
        return found


def marked(list paths, tuple starts, tuple ends, bytes within=b""):
    """Give the numbers of the paths whose last parts begin with one of `starts`, end with one of `ends` or hold `within`."""
    cdef Py_ssize_t pid
    cdef Text text
    cdef list found = []
    cdef object path, sign
    cdef uint32_t first[8]
    cdef uint32_t last[8]
    cdef uint32_t one
    cdef Py_ssize_t within_size = len(within)
    memset(first, 0, sizeof(first))
    memset(last, 0, sizeof(last))
    for sign in starts:
        one = ord(sign[0])
        if one < 256:
            first[one >> 5] |= <uint32_t> 1 << (one & 31)
    for sign in ends:
        one = ord(sign[len(sign) - 1])
        if one < 256:
            last[one >> 5] |= <uint32_t> 1 << (one & 31)
    for pid in range(len(paths)):
        path = paths[pid]
        text = _last_part(path)
        if text.start == text.end:
            continue
        one = PyUnicode_READ(text.kind, <void *> text.data, text.start)
        if one >= 256 or first[one >> 5] >> (one & 31) & 1:
            if path.startswith(starts, text.start):
                found.append(pid)
                continue
        one = PyUnicode_READ(text.kind, <void *> text.data, text.end - 1)
        if (one >= 256 or last[one >> 5] >> (one & 31) & 1) and path.endswith(ends, text.start):
            found.append(pid)
        elif within_size and text.end - text.start >= within_size and (
            text.kind != 1
            or memmem(<const uint8_t *> text.data + text.start, text.end - text.start, <const char *> within, within_size) != NULL
        ):
            if text.kind == 1 or within.decode() in path[text.start :]:
                found.append(pid)
    return found


def distinct(list paths):
    """Tell whether no two of some paths are the same."""
    cdef Py_ssize_t count = len(paths), slots = 16, at
    cdef int32_t *table
    cdef size_t slot, mask
    cdef object path
    if count > 0x3FFFFFFF:
        raise OverflowError("too many paths")
    while slots < 2 * count:
        slots *= 2
    table = <int32_t *> PyMem_Malloc(slots * sizeof(int32_t))
    if table == NULL:
        raise MemoryError
    memset(table, 0xFF, slots * sizeof(int32_t))
    mask = slots - 1
    try:
        for at in range(count):
            path = paths[at]
            slot = <size_t> hash(path) & mask
            while table[slot] >= 0:
                if paths[table[slot]] == path:
                    return False
                slot = (slot + 1) & mask
            table[slot] = at
    finally:
        PyMem_Free(table)
    return True


def longest(list paths):
    """Give the characters of the longest path."""
    cdef Py_ssize_t most = 0, size
    cdef object path
    for path in paths:
        size = PyUnicode_GET_LENGTH(path)
        if size > most:
            most = size
    return most


# -- stored layers: msbtui.image.layerfile --------------------------------------------------------------------------------

def sound_columns(const uint8_t[::1] kinds, const int64_t[::1] sizes, const uint32_t[::1] modes, const double[::1] mtimes,
                  const int64_t[::1] gaps):
    """Give where contents begin, and None where a number is one that no entry has."""
    cdef Py_ssize_t count = kinds.shape[0], at
    cdef int64_t end = 0, most = <int64_t> 1 << 60
    cdef array.array made
    if not (sizes.shape[0] == count and modes.shape[0] == count and mtimes.shape[0] == count and gaps.shape[0] == count):
        return None
    made = array.clone(_NUMBERS, count, zero=False)
    for at in range(count):
        if kinds[at] > OPAQUE or modes[at] > 0o7777 or not -1e300 < mtimes[at] < 1e300:
            return None
        if not 0 <= sizes[at] < most or (sizes[at] and kinds[at] != FILE) or not -most < gaps[at] < most:
            return None
        end += gaps[at] + BLOCK
        if not 0 <= end < most:
            return None
        made.data.as_longlongs[at] = end
        end += (sizes[at] + 511) & ~<int64_t> 511
        if end >= most:
            return None
    return made


def sound_paths(str text, list paths):
    """Tell whether `paths`, joined by line ends in `text`, are printable ASCII, clean, and each another one.

    False says only that one has to look closer.
    """
    cdef const uint8_t *data
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at = 0, length
    cdef const uint8_t *end
    if not PyUnicode_IS_ASCII(text):
        return False
    data = <const uint8_t *> PyUnicode_DATA(text)
    while True:
        end = <const uint8_t *> memchr(data + at, 10, size - at)
        length = (end - data if end != NULL else size) - at
        if length and not (_printable(data + at, length) and _clean(data + at, length)):
            return False
        if end == NULL:
            break
        at += length + 1
    return distinct(paths)


def gaps_between(const int64_t[::1] sizes, const int64_t[::1] offsets):
    """Give how far each content begins from where the entry before would have it."""
    cdef Py_ssize_t count = sizes.shape[0], at
    cdef uint64_t end = 0  # that wraps around instead of being undefined
    cdef array.array made
    if offsets.shape[0] != count:
        raise ValueError("columns of different lengths")
    made = array.clone(_NUMBERS, count, zero=False)
    for at in range(count):
        made.data.as_longlongs[at] = <int64_t> (<uint64_t> offsets[at] - end - BLOCK)
        end = <uint64_t> offsets[at] + ((<uint64_t> sizes[at] + 511) & ~<uint64_t> 511)
    return made


# -- maps whose files are shortened: msbtui.image.shortened -----------------------------------------------------------------

cdef extern from *:
    """
    #if defined(__linux__) && defined(__LP64__)
    #include <signal.h>
    #include <sys/mman.h>
    #include <unistd.h>
    #define GUARDED 4096
    static struct { volatile size_t begin, end; volatile int lost; } guarded[GUARDED];
    static struct sigaction guard_before;
    static size_t guard_page;
    /* Only what may be called in a handler: see signal-safety(7); mmap is a bare system call. */
    static void guard_handle(int number, siginfo_t *info, void *context) {
        size_t address = (size_t) info->si_addr;
        (void) number; (void) context;
        for (int slot = 0; slot < GUARDED; slot++) {
            if (guarded[slot].begin <= address && address < guarded[slot].end) {
                void *page = (void *) (address & ~(guard_page - 1));
                guarded[slot].lost = 1;
                if (mmap(page, guard_page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page)
                    return;
            }
        }
        sigaction(SIGBUS, &guard_before, NULL);  /* not ours: the next try ends the program as it always did */
    }
    static int guard_install(void) {
        struct sigaction ours = {0};
        guard_page = (size_t) sysconf(_SC_PAGESIZE);
        ours.sa_sigaction = guard_handle;
        ours.sa_flags = SA_SIGINFO | SA_NODEFER;
        return sigaction(SIGBUS, &ours, &guard_before);
    }
    static int guard_add(size_t begin, size_t end) {
        for (int slot = 0; slot < GUARDED; slot++) {
            if (guarded[slot].end == 0) {
                guarded[slot].lost = 0;
                guarded[slot].begin = begin;
                guarded[slot].end = end;
                return slot;
            }
        }
        return -1;
    }
    static void guard_drop(int slot) { guarded[slot].end = 0; guarded[slot].begin = 0; }
    static int guard_lost(int slot) { return guarded[slot].lost; }
    #else
    static int guard_install(void) { return -1; }
    static int guard_add(size_t begin, size_t end) { (void) begin; (void) end; return -1; }
    static void guard_drop(int slot) { (void) slot; }
    static int guard_lost(int slot) { (void) slot; return 0; }
    #define GUARDED 0
    #endif
    """
    int GUARDED
    int guard_install()
    int guard_add(size_t begin, size_t end)
    void guard_drop(int slot)
    int guard_lost(int slot)

cdef int _guarding = 0


def guard(const uint8_t[::1] view):
    """Put zeros where a page of a map is gone, from now on; give the number to ask `lost` and `unguard` by, -1 where it cannot be."""
    global _guarding
    if not view.shape[0]:
        return -1
    if not _guarding:
        _guarding = 1 if guard_install() == 0 else -1
    return guard_add(<size_t> &view[0], <size_t> &view[0] + view.shape[0]) if _guarding > 0 else -1


def unguard(int number):
    """End that."""
    if 0 <= number < GUARDED:
        guard_drop(number)


def lost(int number):
    """Say whether a page of a map was gone."""
    return 0 <= number < GUARDED and guard_lost(number) != 0


def live_below(Py_ssize_t path_id, Py_ssize_t count, const uint8_t[::1] state, const int32_t[::1] first, const int32_t[::1] following):
    """Do what `FileTable.live_below` does."""
    cdef list found = []
    cdef int32_t *stack
    cdef Py_ssize_t top = 0, pid
    cdef int32_t child
    if not (0 <= path_id < count <= state.shape[0] and count <= first.shape[0] and count <= following.shape[0]):
        raise IndexError("a path that is none")
    if not state[path_id]:
        return found
    # A path stands in one list only, so that the stack never holds more than all of them.
    stack = <int32_t *> PyMem_Malloc((count + 1) * sizeof(int32_t))
    if stack == NULL:
        raise MemoryError
    try:
        stack[0], top = path_id, 1
        while top:
            top -= 1
            pid = stack[top]
            if state[pid] != DIRECTORY:
                PyList_Append(found, pid)
                continue
            child = first[pid]
            while 0 <= child < count:
                if top >= count:
                    raise RuntimeError("a list of paths without end")
                stack[top] = child
                top += 1
                child = following[child]
    finally:
        PyMem_Free(stack)
    return found


def live_files(const uint8_t[::1] state, Py_ssize_t count, uint8_t wanted=OTHER):
    """Do what `FileTable.live_files` does, and `live_directories`, as `wanted` says."""
    cdef Py_ssize_t pid, found = 0
    cdef array.array made
    if not 0 <= count <= state.shape[0]:
        raise IndexError("more paths than there are")
    for pid in range(count):
        found += state[pid] == wanted
    made = array.clone(_PIDS, found, zero=False)
    found = 0
    for pid in range(count):
        if state[pid] == wanted:
            made.data.as_ints[found] = pid
            found += 1
    return made


def at_least(pids, const int32_t[::1] rows, const int64_t[::1] costs, int64_t least):
    """Give, of live paths, those whose entries cost so much."""
    cdef list found = []
    cdef Py_ssize_t pid
    for pid in pids:
        if not 0 <= pid < rows.shape[0] or not 0 <= rows[pid] < costs.shape[0]:
            raise IndexError("a path without an entry")
        if costs[rows[pid]] >= least:
            found.append(pid)
    return found


def chain(Py_ssize_t first, const int32_t[::1] following):
    """Do what `msbtui.image.stack.chain` does."""
    cdef list found = []
    cdef Py_ssize_t count = following.shape[0], left = count
    while first >= 0:
        if first >= count or not left:
            raise IndexError("a list of paths that does not end")
        PyList_Append(found, first)
        first, left = following[first], left - 1
    return found


# -- what findings ask of many rows: msbtui.image.rows --------------------------------------------------------------------

cdef class RowSet:
    """A set of rows below `count`, as one byte for each."""

    cdef bytearray _marks
    cdef uint8_t *_data
    cdef Py_ssize_t _count

    def __init__(self, Py_ssize_t count):
        self._marks = bytearray(count)
        self._data, self._count = <uint8_t *> self._marks, count

    cdef Py_ssize_t _row(self, row) except -1:
        cdef Py_ssize_t number = row
        if not 0 <= number < self._count:
            raise IndexError("a row that is none")
        return number

    def __contains__(self, row):
        return self._data[self._row(row)] != 0

    def rows(self):
        """Give the rows, lowest first."""
        cdef list found = []
        cdef Py_ssize_t row
        for row in range(self._count):
            if self._data[row]:
                PyList_Append(found, row)
        return found

    def update(self, list rows):
        """Take in rows."""
        for row in rows:
            self._data[self._row(row)] = 1

    def isdisjoint(self, list rows):
        """Say whether none of these is in it."""
        for row in rows:
            if self._data[self._row(row)]:
                return False
        return True

    def issuperset(self, list rows):
        """Say whether all of these are in it."""
        for row in rows:
            if not self._data[self._row(row)]:
                return False
        return True

    def update_live(self, list rows, Py_ssize_t above, const int32_t[::1] hidden, int not_hidden):
        """Take in those rows from `above` on that nothing hides."""
        cdef Py_ssize_t number
        if hidden.shape[0] < self._count:
            raise IndexError("rows of different numbers")
        for row in rows:
            number = self._row(row)
            if number >= above and hidden[number] == not_hidden:
                self._data[number] = 1


def rows_after(list rows, const int32_t[::1] row_paths, const int32_t[::1] hidden, const uint8_t[::1] kinds, Py_ssize_t first,
               int layer, Py_ssize_t paths):
    """Do what `FileTable.rows_after` does for a layer whose rows begin with `first`."""
    cdef Py_ssize_t at, row
    cdef int32_t *standing
    cdef list found = []
    if not 0 <= first <= row_paths.shape[0] - kinds.shape[0] or hidden.shape[0] < row_paths.shape[0]:
        raise IndexError("columns of rows of different lengths")
    standing = <int32_t *> PyMem_Malloc((paths + 1) * sizeof(int32_t))
    try:
        if standing == NULL:
            raise MemoryError
        memset(standing, 255, paths * sizeof(int32_t))
        for at in range(kinds.shape[0]):
            row = first + at
            if kinds[at] < WHITEOUT and hidden[row] > layer:
                if not 0 <= row_paths[row] < paths:
                    raise IndexError("a path that is none")
                standing[row_paths[row]] = <int32_t> row
        for one in rows:
            row = one
            if not 0 <= row < row_paths.shape[0] or not 0 <= row_paths[row] < paths:
                raise IndexError("a row that is none")
            PyList_Append(found, standing[row_paths[row]])
    finally:
        PyMem_Free(standing)
    return found


def total(rows, const int64_t[::1] costs):
    """Give the sum of the costs of rows, None where it is too large for this."""
    cdef int64_t found = 0
    cdef Py_ssize_t number
    for row in rows:
        number = row
        if not 0 <= number < costs.shape[0]:
            raise IndexError("a row that is none")
        if costs[number] < 0 or costs[number] > (<int64_t> 1 << 62) - found:
            return None  # hostile headers add up to more than fits
        found += costs[number]
    return found


def topmost(rows, const int32_t[::1] row_paths, const int32_t[::1] parents, const uint8_t[::1] state, const int32_t[::1] first_rows,
            const int32_t[::1] first_live, const int32_t[::1] next_live, Py_ssize_t first):
    """Do what `FileTable.topmost` does."""
    cdef Py_ssize_t count = parents.shape[0], row, filled = 0, todo = 0, following, at, pid, child, parent
    cdef uint8_t *marks  # 1: filled; 2: a directory that is; 4: to be looked at
    cdef int32_t *paths
    cdef int32_t *now
    cdef int32_t *later
    cdef int32_t *swap
    cdef bint whole
    cdef list found = []
    if not (count <= state.shape[0] and count <= first_rows.shape[0] and count <= first_live.shape[0] and count <= next_live.shape[0]):
        raise IndexError("columns of paths of different lengths")
    marks = <uint8_t *> PyMem_Calloc(count + 1, 1)
    paths = <int32_t *> PyMem_Malloc(3 * (count + 1) * sizeof(int32_t))
    try:
        if marks == NULL or paths == NULL:
            raise MemoryError
        now, later = paths + count + 1, paths + 2 * (count + 1)
        for each in rows:
            row = each
            if not 0 <= row < row_paths.shape[0] or not 0 <= row_paths[row] < count:
                raise IndexError("a row that is none")
            pid = row_paths[row]
            if not marks[pid] & 1:
                marks[pid] |= 3 if state[pid] == DIRECTORY else 1
                paths[filled] = pid
                filled += 1
        for at in range(filled):
            pid = parents[paths[at]]
            if 0 < pid < count and not marks[pid] & 4:
                marks[pid] |= 4
                now[todo] = pid
                todo += 1
        while todo:
            following = 0
            for at in range(todo):
                marks[now[at]] &= ~4
            for at in range(todo):
                pid = now[at]
                if marks[pid] & 2 or 0 <= first_rows[pid] < first:
                    continue
                whole, child = True, first_live[pid]
                while 0 <= child < count:
                    if not marks[child] & 1:
                        whole = False
                        break
                    child = next_live[child]
                if whole:
                    if not marks[pid] & 1:
                        paths[filled] = pid
                        filled += 1
                    marks[pid] |= 3
                    parent = parents[pid]
                    if 0 < parent < count and not marks[parent] & 4:
                        marks[parent] |= 4
                        later[following] = parent
                        following += 1
            now, later, todo = later, now, following
        for at in range(filled):
            parent = parents[paths[at]]
            if not 0 <= parent < count or not marks[parent] & 2:
                PyList_Append(found, paths[at])
        return found
    finally:
        PyMem_Free(marks)
        PyMem_Free(paths)


def holding(list paths, pids, tuple words):
    """Do what `msbtui.image.lastparts.may_hold` does; no word is empty, none longer than 32 signs."""
    cdef list found = []
    cdef Py_ssize_t pid, at, start, number, size
    cdef const uint8_t *data
    cdef const uint8_t *word
    cdef bytes one
    cdef list every = [each.encode("ascii") for each in words]
    cdef uint8_t first[256]
    cdef bint hit
    cdef object path
    memset(first, 0, sizeof(first))
    for one in every:
        if not 0 < len(one) <= 32:
            raise ValueError("a word of no or too many signs")
        first[one[0]] = 1
    for pid in pids:
        if not 0 <= pid < len(paths):
            raise IndexError("a path that is none")
        path = paths[pid]
        start, size = _slash(path) + 1, PyUnicode_GET_LENGTH(path)
        if not PyUnicode_IS_ASCII(path):
            PyList_Append(found, pid)
            continue
        data = <const uint8_t *> PyUnicode_DATA(path)
        hit = False
        for at in range(start, size):
            if first[_lower(data[at])]:
                for one in every:
                    word = one
                    if at + len(one) > size:
                        continue
                    number = 0
                    while number < len(one) and _lower(data[at + number]) == word[number]:
                        number += 1
                    if number == len(one):
                        hit = True
                        break
                if hit:
                    PyList_Append(found, pid)
                    break
    return found


def sized(list paths, const int64_t[::1] sizes, wanted, names, int64_t least):
    """Do what `msbtui.image.lastparts.sized` does; few sizes and names are looked up, for most a bit tells that they are none."""
    cdef uint8_t of_size[8192]
    cdef uint8_t of_name[8192]
    cdef list found = []
    cdef int64_t size
    cdef uint32_t bit
    cdef Py_ssize_t at
    cdef Text text
    cdef bint ascii
    cdef object path
    if len(paths) != sizes.shape[0]:
        raise ValueError("columns of different length")
    memset(of_size, 0, sizeof(of_size))
    memset(of_name, 0, sizeof(of_name))
    for size in wanted:
        of_size[(size >> 3) & 8191] |= 1 << (size & 7)
    for path in names:
        text.kind, text.data, text.start, text.end = PyUnicode_KIND(path), PyUnicode_DATA(path), 0, len(path)
        bit = _hash(&text, False, &ascii)
        of_name[(bit >> 3) & 8191] |= 1 << (bit & 7)
    for at in range(sizes.shape[0]):
        size = sizes[at]
        if not of_size[(size >> 3) & 8191] >> (size & 7) & 1:
            continue
        if size < least:
            path = paths[at]
            text = _last_part(path)
            bit = _hash(&text, False, &ascii)
            if not of_name[(bit >> 3) & 8191] >> (bit & 7) & 1 or path[text.start:] not in names:
                continue
        if size in wanted:
            PyList_Append(found, at)
    return found
