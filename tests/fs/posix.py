#!/usr/bin/python3
"""What POSIX says of calls on files, a line each: posix.py TABLE DIRECTORY

A line of the table is what is expected, a call, and its arguments:

    0       open a.tmp O_CREAT|O_WRONLY 0644 as 1    it succeeds; its descriptor is $1
    EEXIST  mkdir $N                                 it fails so
    5       write 1 hello                            it returns this
    same    mtime a.tmp                              as when it was asked last; "moved": not so

Names may hold {N} (the directory), {M} (the mount), {255} and {256} (so many letters) and {long} (a
path of more than PATH_MAX bytes). What comes after "#" is a remark. "section TEXT" names what follows.
"""
import errno, fcntl, mmap, os, re, stat, sys, time

table, directory = sys.argv[1:3]
mount = directory
while not os.path.ismount(mount):
    mount = os.path.dirname(mount)
os.chdir(directory)
descriptors, remembered = {}, {}


def flags(text):
    return sum(getattr(os, word) for word in text.split("|"))


def fd(number):
    return descriptors[number]


def target(name):
    return descriptors.get(name, name)


def do_open(name, how, *rest):
    mode = int(rest[0], 8) if rest and rest[0] != "as" else 0o644
    new = os.open(name, flags(how), mode)
    if "as" in rest:
        descriptors[rest[-1]] = new
    else:
        os.close(new)


def do_mmap(number, how, length):
    kind = {"shared": mmap.MAP_SHARED, "private": mmap.MAP_PRIVATE}[how]
    with mmap.mmap(fd(number), int(length), flags=kind, prot=mmap.PROT_READ) as m:
        return m[:].decode()


def do_readdir(name):
    return " ".join(sorted(os.listdir(name)))


def nanoseconds(text):
    return int(float(text) * 1000000000)


def lock(number, how):
    fcntl.flock(fd(number), getattr(fcntl, how) | fcntl.LOCK_NB)


calls = {
    "open": do_open,
    "close": lambda n: os.close(descriptors.pop(n)),
    "read": lambda n, size: os.read(fd(n), int(size)).decode(),
    "pread": lambda n, size, at: os.pread(fd(n), int(size), int(at)).decode(),
    "write": lambda n, text: os.write(fd(n), text.encode()),
    "pwrite": lambda n, text, at: os.pwrite(fd(n), text.encode(), int(at)),
    "lseek": lambda n, at, how: os.lseek(fd(n), int(at), getattr(os, how)),
    "fsync": lambda n: os.fsync(fd(n)),
    "text": lambda name: open(name).read(),
    "truncate": lambda name, size: os.truncate(target(name), int(size)),
    "fallocate": lambda n, at, size: os.posix_fallocate(fd(n), int(at), int(size)),
    "mmap": do_mmap,
    "unlink": os.unlink,
    "rename": os.rename,
    "mkdir": lambda name: os.mkdir(name, 0o755),
    "rmdir": os.rmdir,
    "readdir": do_readdir,
    "link": os.link,
    "symlink": os.symlink,
    "readlink": os.readlink,
    "mkfifo": lambda name: os.mkfifo(name, 0o644),
    "mknod": lambda name, kind: os.mknod(name, getattr(stat, kind) | 0o644, os.makedev(1, 3)),
    "chmod": lambda name, mode: os.chmod(target(name), int(mode, 8)),
    "chown": lambda name, uid, gid: os.chown(target(name), eval(uid), eval(gid)),
    "utime": lambda name, at, mt: os.utime(target(name), ns=(nanoseconds(at), nanoseconds(mt))),
    "touch": lambda name: os.utime(target(name)),
    "access": lambda name, how: os.stat(name) and os.access(name, getattr(os, how)),
    "flock": lock,
    "mode": lambda name: "%04o" % stat.S_IMODE(os.stat(target(name)).st_mode),
    "type": lambda name: "%o" % stat.S_IFMT(os.lstat(name).st_mode),
    "size": lambda name: os.stat(target(name)).st_size,
    "nlink": lambda name: os.stat(target(name)).st_nlink,
    "inode": lambda name: os.stat(target(name)).st_ino,
    "mtime": lambda name: os.stat(target(name)).st_mtime_ns,
    "ctime": lambda name: os.stat(target(name)).st_ctime_ns,
    "atime": lambda name: os.stat(target(name)).st_atime_ns,
    "seconds": lambda name: "%.9f" % (os.stat(target(name)).st_mtime_ns / 1e9),
    "namemax": lambda name: os.statvfs(name).f_namemax,
}


def expand(word):
    names = {"N": directory, "M": mount, "255": "n" * 255, "256": "n" * 256, "long": "p/" * 2100}
    return re.sub(r"\{(\w+)\}", lambda m: names[m[1]], word)


def run(call, arguments):
    try:
        result = calls[call](*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]
    if call in ("inode", "mtime", "ctime", "atime"):
        before = remembered.get((call, arguments[0]))
        remembered[call, arguments[0]] = result
        return "same" if result == before else "moved"
    return {None: "0", True: "yes", False: "no"}.get(result, str(result)) if not isinstance(result, int) \
        or isinstance(result, bool) else str(result)


failed = rows = 0
section = ""
for number, line in enumerate(open(table), 1):
    words = [expand(w) for w in line.split("#")[0].split()]
    if not words:
        continue
    if words[0] == "section":
        section = " ".join(words[1:])
        continue
    rows += 1
    want, call, arguments = words[0], words[1], words[2:]
    got = run(call, arguments)
    if want not in (got, "any") and got not in want.split("|"):
        failed += 1
        print("%s, line %d: %s: %s, not %s" % (section, number, " ".join(words[1:])[:90], got, want))
print("%d of %d failed" % (failed, rows))
sys.exit(failed != 0)
