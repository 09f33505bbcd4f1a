#!/usr/bin/python3
"""Processes that use a tree in every way its contract knows, all at once.

    torture.py SECONDS PROCESSES SEED NAMESPACE-DIRECTORY

The namespace holds ConfigMaps "c-*" and Deployments "d-*". Each process does one thing after another, at
random. What may go wrong among so many (an object is gone, is there, is busy) may; anything else is told,
and so is a text that is no whole object. Ends with status 1 then.
"""
import collections, errno, mmap, os, random, signal, stat, subprocess, sys, time

seconds, processes, seed = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
top = sys.argv[4]
mount = os.path.dirname(os.path.dirname(top))
maps, deployments = top + "/configmaps/", top + "/deployments/"
MAY = {errno.ENOENT, errno.EBUSY, errno.EEXIST, errno.ENOTEMPTY}


class Wrong(Exception):
    pass


def read(path, how=0):
    fd = os.open(path, os.O_RDONLY | how)
    try:
        size, text = os.fstat(fd).st_size, b""
        while True:
            part = os.read(fd, random.choice((100, 4096, 1 << 17)))
            if not part:
                return size, text.decode()
            text += part
    finally:
        os.close(fd)


def read_object(path):
    size, text = read(path)
    if len(text) < 100:  # somebody is making it: this is what he has written
        raise FileNotFoundError(errno.ENOENT, path)
    if size != len(text.encode()) or not text.startswith("apiVersion: ") or "\nmetadata:\n" not in text \
            or not text.endswith("\n"):
        raise Wrong("%s: %d bytes, %d told: %r ... %r" % (path, len(text.encode()), size, text[:60], text[-60:]))
    return text


def is_mixed(path, text):
    """Two have written to one file in pieces at the same time: what was refused is neither's text."""
    try:
        with open(path + ".rejected", encoding="utf-8", errors="replace") as f:
            return text not in f.read()
    except FileNotFoundError:  # somebody has cleaned up
        return False


def write(path, text, how=os.O_TRUNC):
    """As cp does: what close says counts. Sometimes in pieces, or with fsync."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o644)
    step = random.choice((len(text), 1 + len(text) // 3))
    try:
        try:
            for at in range(0, len(text), step):
                os.write(fd, text[at:at + step].encode())
            if random.random() < 0.2:
                os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as e:
        if e.errno != errno.EINVAL or not is_mixed(path, text):
            raise


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def pick(directory):
    """Anybody's; what create() makes it alone changes."""
    names = [n for n in os.listdir(directory) if n.endswith(".yaml") and not n.startswith("new-")]
    return directory + random.choice(names) if names else directory + "none.yaml"


def number():
    return "%x" % random.getrandbits(40)


def edited(path):
    lines = read_object(path).split("\n")
    for i, line in enumerate(lines):
        if line.startswith("  k: "):
            lines[i] = '  k: "%s"' % number()
    return "\n".join(lines)


def invalid(path, text):
    """A refusal is told, and its text stands beside the object."""
    try:
        write(path, text)
    except OSError as e:
        if e.errno != errno.EINVAL:
            raise
    else:
        raise Wrong("%s took %r" % (path, text))
    remove(path + ".rejected")


def list_names():
    for d in random.sample(os.listdir(top), 3):
        if os.path.isdir(top + "/" + d):
            names = os.listdir(top + "/" + d)
            if len(names) != len(set(names)):
                raise Wrong("%s lists a name twice" % d)


def stat_all():
    for entry in os.scandir(random.choice((maps, top + "/pods/"))):
        entry.stat()
        if entry.name.endswith(".yaml") and random.random() < 0.05:
            read_object(entry.path)


def create():
    name = "new-" + number()
    write(maps + name + ".yaml", 'data: {k: "1"}\n')
    if 'k: "1"' not in read_object(maps + name + ".yaml"):
        raise Wrong(name + " is not what was written")
    if random.random() < 0.9:
        os.unlink(maps + name + ".yaml")


def edit():
    path = pick(maps)
    write(path, edited(path))


def edit_renamed():
    path = pick(maps)
    temporary = maps + ".%s.%s.tmp" % (os.path.basename(path), number())
    try:
        write(temporary, edited(path))
        os.rename(temporary, path)
    finally:
        remove(temporary)


def backup():
    path = pick(maps)
    os.rename(path, path + "~" + number())


def clean():
    for name in os.listdir(maps):
        if "~" in name or name.endswith((".rejected", ".tmp")):
            remove(maps + name)


def replace():
    path = pick(maps)
    text = 'data: {k: "%s"}\n' % number()
    os.unlink(path)
    write(path, text)


def apply():
    text = "".join('---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-%04d}\ndata: {k: "%s"}\n'
                   % (random.randrange(100), number()) for _ in range(5))
    write(top + "/apply", text)
    read(top + "/apply")


def scale():
    write(pick(deployments)[:-len(".yaml")] + "/scale", "%d\n" % random.randrange(4))


def restart():
    write(pick(deployments)[:-len(".yaml")] + "/restart", "now\n")


def beside():
    path = pick(random.choice((maps, deployments, top + "/pods/")))[:-len(".yaml")]
    for name in random.sample(["/meta", "/describe", "/events", "/history", "/owned", "/owner", ".json"], 3):
        try:  # once: between two looks another may have made the object anew
            is_directory = stat.S_ISDIR(os.stat(path + name).st_mode)
        except FileNotFoundError:
            continue
        if not is_directory:
            read(path + name)
            continue
        for below in os.listdir(path + name)[:3]:
            if os.path.isfile(path + name + "/" + below):
                read(path + name + "/" + below)


def value():
    path = pick(maps)[:-len(".yaml")] + "/data/k"
    text = number()
    write(path, text)


def logs():
    pods = os.listdir(top + "/logs")
    if pods:
        for name in os.listdir(top + "/logs/" + random.choice(pods)):
            try:
                read(top + "/logs/" + random.choice(pods) + "/" + name)
            except OSError as e:
                if e.errno != errno.EINVAL:  # a container that has not begun
                    raise
    read(top + "/events.log")


def select():
    for name in os.listdir(top + "/configmaps/.label/app=torture")[:10]:
        read_object(top + "/configmaps/.label/app=torture/" + name)
    read(maps + ".table")


def watch():
    fd = os.open(maps + ".watch", os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.read(fd, 1 << 16)
    except BlockingIOError:
        pass
    finally:
        os.close(fd)


def wait():
    """A read that blocks, and a signal that ends it."""
    p = subprocess.Popen(["cat", top + "/deployments/.wait/none/Available"], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    time.sleep(random.random() / 10)
    p.send_signal(random.choice((signal.SIGTERM, signal.SIGKILL)))
    p.wait()


def interrupted():
    p = subprocess.Popen(["cp", "/dev/stdin", pick(maps)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        p.stdin.write(b'data: {k: "killed"}\n')
        p.stdin.close()
    except BrokenPipeError:
        pass
    time.sleep(random.random() / 50)
    p.send_signal(random.choice((signal.SIGINT, signal.SIGKILL)))
    p.wait()


def mapped():
    path = pick(maps)
    fd = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(fd).st_size
        if size < 100:
            return
        with mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as m:
            if not m[:].startswith(b"apiVersion: ") or m[-1:] != b"\n":
                raise Wrong(path + " is mapped otherwise")
    finally:
        os.close(fd)


def held_open():
    """An opening shows one version, whatever becomes of the object."""
    path = pick(maps)
    with open(path) as f:
        first = f.read()
        os.unlink(path)
        f.seek(0)
        if f.read() != first:
            raise Wrong(path + " has changed under its reader")
    write(path, 'data: {k: "%s"}\n' % number())


def scratch():
    path = maps + "scratch-%s.tmp" % number()
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    try:
        os.write(fd, b"x" * 5000)
        os.ftruncate(fd, 7000)
        os.fchmod(fd, 0o640)
        if os.pread(fd, 9000, 0) != b"x" * 5000 + b"\0" * 2000:
            raise Wrong(path + " holds something else")
        os.rename(path, path + "2")
        os.unlink(path + "2")
    finally:
        os.close(fd)


def nothing():
    """What must send nothing."""
    path = pick(maps)
    os.utime(path)
    os.chmod(path, 0o644)
    os.truncate(path, 0)
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
    os.statvfs(path)


def refuse():
    invalid(maps + "bad-%s.yaml" % number(), "data: [\n")
    invalid(maps + "bad-%s.yaml" % number(), "data: {k: 1}\n")


def namespace():
    path = mount + "/namespaces/torture-" + number()
    os.mkdir(path)
    write(path + "/configmaps/c.yaml", "data: {}\n")
    os.unlink(path + "/configmaps/c.yaml")
    os.rmdir(path)


def walk():
    subprocess.run(["du", "-s", top + "/configmaps"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def sync():
    fd = os.open(maps, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)


often = [list_names, create, edit, edit_renamed, replace, value, beside, scratch, nothing, select]
all_ = often + often + [stat_all, backup, clean, apply, scale, restart, logs, watch, wait, interrupted, mapped,
                        held_open, refuse, namespace, walk, sync]


def work(i):
    random.seed(seed * 1000 + i)
    end, done, failed = time.monotonic() + seconds, collections.Counter(), 0
    while time.monotonic() < end:
        run = random.choice(all_)
        done[run.__name__] += 1
        try:
            run()
        except OSError as e:
            if not os.path.exists(mount + "/README"):
                failed += 1
                print("%s: the mount is gone" % run.__name__, flush=True)
                break
            if e.errno not in MAY:
                failed += 1
                print("%s: %s" % (run.__name__, e), flush=True)
        except Wrong as e:
            failed += 1
            print("%s: %s" % (run.__name__, e), flush=True)
        if failed > 5:
            break
    print("# %s" % " ".join("%s=%d" % x for x in done.items()), flush=True)
    os._exit(failed != 0)


children = []
for i in range(processes):
    pid = os.fork()
    if pid == 0:
        try:
            work(i)
        except BaseException as e:
            print("process %d: %r" % (i, e), flush=True)
        os._exit(1)
    children.append(pid)
status = [os.waitpid(pid, 0)[1] for pid in children]
clean()
sys.exit(any(status))
