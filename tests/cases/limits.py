"""What clients may make the endpoint hold or wait for: limits.py DIR HOST:PORT PID. TAP on stdout."""
import gzip, http.client, json, os, resource, socket, ssl, sys, threading, time

directory, address, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
host, port = address.rsplit(":", 1)
context = ssl.create_default_context(cafile=directory + "/pki/ca.crt")
context.load_cert_chain(directory + "/pki/admin.crt", directory + "/pki/admin.key")
resource.setrlimit(resource.RLIMIT_NOFILE, [resource.getrlimit(resource.RLIMIT_NOFILE)[1]] * 2)
count = 0
MAPS = "/api/v1/namespaces/default/configmaps"


def ok(good, what, why=""):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {what}")
    if not good:
        print(f"# {str(why)[:1000]}")
    sys.stdout.flush()


def connect():
    raw = socket.create_connection((host, int(port)), 60)
    return context.wrap_socket(raw, server_hostname=host)


def read_answer(s):
    """One answer: status, headers, body; None when the connection ended."""
    answer = http.client.HTTPResponse(s)
    try:
        answer.begin()
        return answer.status, answer.headers, answer.read()
    except (http.client.HTTPException, OSError):
        return None


def send(head, body=b""):
    s = connect()
    try:
        s.sendall(head.encode("latin-1") + b"\r\n" + body)
    except OSError:
        pass
    return s


def status(head, body=b""):
    got = read_answer(send(head, body))
    return got and got[0]


def get(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}"


def post(more, path=MAPS):
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}"


def config_map(name, size=0):
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                       "data": {"k": "y" * size}}).encode()


def create(body):
    return status(post(f"Content-Length: {len(body)}\r\n"), body)


def works():
    return status(get("/api/v1/namespaces/default")) == 200


def cut_off():
    text = read_answer(send(get("/metrics")))[2].decode()
    return next(int(line.split()[1]) for line in text.split("\n")
                if line.startswith("kubefs_serve_cut_off_total "))


def memory():
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon")) << 10


# Somebody who never ends his headers, a byte at a time: looked at last.
loris_over = threading.Event()


def loris():
    s = connect()
    s.settimeout(1)
    while True:
        try:
            s.sendall(b"G" if s.recv(1) else b"")
            break
        except socket.timeout:
            try:
                s.sendall(b"a")
            except OSError:
                break
        except OSError:
            break
    loris_over.set()


threading.Thread(target=loris, daemon=True).start()

# ---- What is refused

limit = 3 << 20
small = config_map("limits")
ok(create(b" " * (limit - len(small)) + small) == 201, "a body of 3 MiB is read")
got = status(post(f"Content-Length: {limit + 1}\r\n"), b" " * (limit + 1))
ok(got == 413, "one byte more is too large", got)
got = status(post(f"Content-Length: {1 << 62}\r\n"))
ok(got == 413, "a much larger one is not waited for", got)
for what, more in [("that is not told", ""), ("that is negative", "Content-Length: -2\r\n"),
                   ("with a sign", "Content-Length: +2\r\n"), ("of nothing", "Content-Length: \r\n"),
                   ("with two numbers", "Content-Length: 2, 2\r\n"),
                   ("told twice", "Content-Length: 2\r\nContent-Length: 3\r\n"),
                   ("in chunks", "Transfer-Encoding: chunked\r\n"),
                   ("in chunks and told", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n")]:
    s = send(post(more), b"2\r\n{}\r\n0\r\n\r\n" + get("/smuggled").encode() + b"\r\n")
    got = read_answer(s)
    ok(got and got[0] == 400 and read_answer(s) is None,
       f"a length {what}: refused, and nothing behind it is read", got)
got = status(post("Content-Encoding: gzip\r\nContent-Length: 2\r\n"), b"\x1f\x8b")
ok(got == 415, "a packed body", got)
got = status(post("Content-Length: 20000\r\n"), b"[" * 20000)
ok(got in (400, 413), "JSON of 20,000 levels", got)
ok(read_answer(send(get("/version", "X-A: " + "a" * 40000 + "\r\n"))) is None,
   "40,000 bytes of headers: the connection ends")
ok(read_answer(send(get("/version?a=" + "a" * 40000))) is None, "as with a URL of that length")
got = status(get("/version", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"))
ok(got == 200, "another protocol is not changed to", got)
s = send(get("/version", "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"), get("/version").encode() + b"\r\n")
got = read_answer(s)
ok(got and got[0] == 403 and json.loads(got[2])["reason"] == "NotImplemented",
   "one that the library does not know is refused", got)
s = send(get("/api/v1/namespaces/default"), get("/version").encode() + b"\r\n")
first, second = read_answer(s), read_answer(s)
ok(first and second and b'"Namespace"' in first[2] and b'"gitVersion"' in second[2],
   "two requests at once get two answers, in order")

# Bodies that were begun take room from each other: 128 MiB.
half = [send(post(f"Content-Length: {limit}\r\n"), b"{") for _ in range(43)]
late = None
for _ in range(200):
    late = read_answer(send(post(f"Content-Length: {limit}\r\n"), b" " * limit))
    if late and late[0] == 429:
        break
ok(late and late[0] == 429 and late[1]["Retry-After"] == "1",
   "too many at once are told to come again", late and late[:2])
ok(works(), "what has no body goes on")
for s in half:
    s.close()

# ---- Readers

for i in range(4):
    create(config_map(f"large-{i}", 900000))
got = read_answer(send(get(MAPS, "Accept-Encoding: gzip\r\n")))
plain = read_answer(send(get(MAPS)))
ok(got and got[1]["Content-Encoding"] == "gzip" and gzip.decompress(got[2]) == plain[2] and
   len(got[2]) < len(plain[2]) / 100, "a large answer is packed for who takes it")

before = memory()
stalled = []
for i in range(100):
    s = socket.create_connection((host, int(port)), 60)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s = context.wrap_socket(s, server_hostname=host)
    s.sendall(get(MAPS if i % 5 else MAPS + "?watch=true&resourceVersion=0").encode() + b"\r\n")
    stalled.append(s)
done, lock = [], threading.Lock()
start = time.monotonic()


def read_all():
    got = read_answer(send(get(MAPS)))
    good = got and got[0] == 200 and json.loads(got[2])["kind"] == "ConfigMapList" and \
        len(got[2]) > 3600000
    with lock:
        done.append(bool(good))


for _ in range(4):
    threads = [threading.Thread(target=read_all) for _ in range(25)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
took = time.monotonic() - start
ok(sum(done) == 100, "a hundred that read get all, beside a hundred that do not", done)
grown = memory() - before
ok(grown < 600 << 20, "and what those make the server hold is bounded", f"{grown >> 20} MiB")
print(f"# {took:.1f} s, {grown >> 20} MiB more, {cut_off()} cut off")
for s in stalled:
    s.close()

# ---- Connections

idle = []
for _ in range(400):
    try:
        s = socket.create_connection((host, int(port)), 2)
        idle.append(s)
    except OSError:
        break
for s in idle:
    s.close()
ok(works(), f"{len(idle)} connections that say nothing, of a server with 300 files: it goes on")
ok(loris_over.wait(90), "headers that never end are not waited for")
print(f"1..{count}")
