#!/usr/bin/env python3
"""An API server that answers from a script, good and bad, for test_remote.

usage: remote_server.py DIRECTORY

Makes a CA, a server certificate and a client certificate in DIRECTORY (with openssl), listens on a
free port of 127.0.0.1 and writes DIRECTORY/kubeconfig, then prints one line and serves until its
standard input ends. What it answers is decided by the path and query alone: see ROUTES. Each answer
that tells of the request puts it into the body.
"""
import gzip, http.server, json, os, socket, ssl, subprocess, sys, threading, urllib.parse

PODS = "/api/v1/namespaces/default/pods"
counts = {}
lock = threading.Lock()


def count(key):
    with lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


def pod(name, version="7", **extra):
    return {"metadata": {"name": name, "namespace": "default", "uid": "u-" + name,
                         "resourceVersion": version}, **extra}


def status(code, reason, message, **details):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
            "reason": reason, "code": code, "details": details}


CORE = {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod",
        "verbs": ["create", "delete", "get", "list", "watch"], "shortNames": ["po"],
        "categories": ["all"]}
AGGREGATED = {
    "/api": {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [
        {"metadata": {}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
            {"resource": "pods", "responseKind": {"group": "", "version": "v1", "kind": "Pod"},
             "scope": "Namespaced", "singularResource": "pod", "verbs": CORE["verbs"],
             "shortNames": ["po"], "categories": ["all"],
             "subresources": [{"subresource": "log", "verbs": ["get"],
                               "responseKind": {"group": "", "version": "v1", "kind": "Pod"}},
                              {"subresource": "eviction", "verbs": ["create"],
                               "responseKind": {"group": "policy", "version": "v1",
                                                "kind": "Eviction"}}]}]}]}]},
    "/apis": {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [
        {"metadata": {"name": "db.company.com"}, "versions": [
            {"version": v, "freshness": "Current", "resources": [
                {"resource": "migrations", "scope": "Namespaced", "singularResource": "migration",
                 "responseKind": {"group": "db.company.com", "version": v, "kind": "Migration"},
                 "verbs": ["get", "list"]}]} for v in ("v1", "v1beta1")]},
        {"metadata": {"name": "metrics.k8s.io"}, "versions": [
            {"version": "v1", "freshness": "Stale"}]}]},
}
LEGACY = {
    "/old/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/old/apis": {"kind": "APIGroupList", "groups": [
        {"name": "apps", "versions": [{"groupVersion": "apps/v1beta1", "version": "v1beta1"},
                                      {"groupVersion": "apps/v1", "version": "v1"}],
         "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}}]},
    "/old/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        CORE, {"name": "pods/log", "singularName": "", "namespaced": True, "kind": "Pod",
               "verbs": ["get"]},
        {"name": "pods/eviction", "singularName": "", "namespaced": True, "group": "policy",
         "version": "v1", "kind": "Eviction", "verbs": ["create"]}]},
    "/old/apis/apps/v1": {"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
        {"name": "deployments", "singularName": "deployment", "namespaced": True,
         "kind": "Deployment", "verbs": ["get", "list"]}]},
}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that go away are part of the tests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, code, body, headers=(), kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def begin_chunks(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self):
        self.wfile.write(b"0\r\n\r\n")

    def die(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(2)

    def wait_for_client(self):
        """Says nothing more until the client goes away."""
        self.close_connection = True
        try:
            self.connection.recv(1)
        except OSError:
            pass

    def handle_any(self):
        n = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(n)
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        path = url.path
        if path in AGGREGATED:
            return self.answer(200, AGGREGATED[path])
        if os.path.exists(os.path.join(sys.argv[1], "away" + path.replace("/", "-"))):
            return self.answer(503, status(503, "ServiceUnavailable", "away for a while"))
        if path.startswith("/old/"):
            if path in LEGACY:
                return self.answer(200, LEGACY[path])
            return self.answer(503, status(503, "ServiceUnavailable", "apps/v1beta1 is away"),
                               kind="application/json") if "v1beta1" in path else self.missing()
        if path.startswith(PODS) or path == "/api/v1/pods":
            return self.pods(path[len(PODS):].lstrip("/"))
        if path == "/version":
            return self.answer(200, {"gitVersion": "v1.36.0"})
        return self.missing()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def missing(self):
        self.answer(404, b"404 page not found\n", kind="text/plain")

    def pods(self, name):
        if self.query.get("watch"):
            return self.watch(self.query.get("labelSelector", ""))
        if not name and self.command == "GET":
            return self.list(self.query.get("labelSelector", ""))
        script = getattr(self, "pod_" + name.split("/")[0].replace("-", "_"), None)
        return script() if script else self.echo(name)

    # Objects ---------------------------------------------------------------------------------

    def echo(self, name):
        """The request, as annotations of an object."""
        told = {"method": self.command, "path": self.path, "body": self.body.decode(),
                "type": self.headers.get("Content-Type", ""),
                "agent": self.headers.get("User-Agent", ""),
                "authorization": self.headers.get("Authorization", ""),
                "impersonate": "|".join("%s=%s" % (k[12:].lower(), v)
                                        for k, v in self.headers.items()
                                        if k.lower().startswith("impersonate-")),
                "subject": dict(pair[0] for pair in
                                self.connection.getpeercert()["subject"])["commonName"]}
        o = {"kind": "Pod", "apiVersion": "v1", **pod(name.split("/")[0] or "made")}
        o["metadata"]["annotations"] = told
        self.answer(201 if self.query.get("fieldManager") == "new" else 200, o,
                    [("Warning", '299 - "careful"')])

    def pod_missing(self):
        self.answer(404, status(404, "NotFound", 'pods "missing" not found', name="missing",
                                kind="pods"))

    def pod_invalid(self):
        self.answer(422, status(422, "Invalid", "Pod is invalid", kind="Pod", causes=[
            {"reason": "FieldValueRequired", "message": "Required value", "field": "spec"}]))

    def pod_locked(self):
        self.answer(401, status(401, "Unauthorized", "Unauthorized"))

    def may_pass(self):
        """Only the token that stands in the file "accepted" does."""
        with open(os.path.join(sys.argv[1], "accepted")) as f:
            return self.headers.get("Authorization") == "Bearer " + f.read()

    def pod_guarded(self):
        count("guarded")
        return self.echo("guarded") if self.may_pass() else self.pod_locked()

    def pod_count(self):
        o = {"kind": "Pod", "apiVersion": "v1", **pod("count")}
        o["metadata"]["annotations"] = {k: str(v) for k, v in counts.items()}
        self.answer(200, o)

    def pod_busy(self):
        if count("busy") < 3:
            return self.answer(429, status(429, "TooManyRequests", "slow down"),
                               [("Retry-After", "1")])
        return self.echo("busy")

    def pod_always_busy(self):
        count("always-busy")
        self.answer(429, status(429, "TooManyRequests", "slow down"), [("Retry-After", "1000")])

    def pod_down(self):
        count("down")
        self.answer(503, b"upstream is away\n", kind="text/plain")

    def pod_slow(self):
        self.wait_for_client()

    def pod_dying(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"kind":"Pod","api')
        self.die()

    def pod_garbage(self):
        self.wfile.write(b"\x00\xff\xfe garbage \r\n\r\n")
        self.die()

    def pod_wrong(self):
        self.answer(200, b'{"kind":"Pod",]')

    def pod_html(self):
        self.answer(200, b"<html>a portal</html>", kind="text/html")

    def pod_redirect(self):
        self.answer(302, b"", [("Location", "http://127.0.0.1:1/")])

    def pod_huge(self):
        self.begin_chunks()
        try:
            while True:
                self.chunk(b" " * (1 << 20))
        except OSError:
            self.close_connection = True

    def pod_bomb(self):
        data = gzip.compress(b" " * (80 << 20))
        self.answer(200, data, [("Content-Encoding", "gzip")])

    def pod_zipped(self):
        o = json.dumps({"kind": "Pod", "apiVersion": "v1", **pod("zipped")}).encode()
        self.answer(200, gzip.compress(o), [("Content-Encoding", "gzip")])

    def pod_gone(self):
        self.answer(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def pod_waiting(self):
        o = {"kind": "Pod", "apiVersion": "v1", **pod("waiting")}
        o["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z",
                             deletionGracePeriodSeconds=30)
        self.answer(200, o)

    def pod_was(self):
        self.answer(200, {"kind": "Pod", "apiVersion": "v1", **pod("was")})

    def pod_talking(self):
        self.begin_chunks()
        for i in range(3):
            self.chunk("line %d\n" % i)
        if self.query.get("follow") == "true":
            return self.wait_for_client()
        self.end()

    # Lists -----------------------------------------------------------------------------------

    def list(self, script):
        page = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "100"},
                "items": []}
        if "fieldSelector" in self.query:
            page["items"] = [pod("at", self.query["resourceVersion"])]
            if (self.query.get("resourceVersionMatch") != "Exact"
                    or self.query["resourceVersion"] == "1"):
                return self.answer(410, status(410, "Expired", "too old resource version"))
        elif script == "pages":
            at = int(self.query.get("continue", "0"))
            limit = int(self.query["limit"])
            last = min(at + limit, 1200)
            page["items"] = [pod("p%04d" % i) for i in range(at, last)]
            if last < 1200:
                page["metadata"].update({"continue": str(last), "remainingItemCount": 1200 - last})
        elif script == "expires":
            if "continue" in self.query:
                return self.answer(410, status(410, "Expired", "the continue token is too old"))
            page["items"] = [pod("a")]
            page["metadata"]["continue"] = "x"
        elif script == "dies":
            self.begin_chunks()
            self.chunk(json.dumps({"items": [pod("a"), pod("b")]})[:-20])
            return self.die()
        elif script == "short":
            self.begin_chunks()
            self.chunk('{"items":[{"metadata":{"name":"a"}}')
            return self.end()
        elif script == "garbage":
            return self.answer(200, b'{"items":[{"metadata":{"name":"a"}},{"a" "b"}]}')
        elif script == "scalar":
            return self.answer(200, b"17")
        elif script == "object":
            return self.answer(200, {"kind": "Pod", "apiVersion": "v1", **pod("a")})
        elif script == "refused":
            return self.answer(403, status(403, "Forbidden", "pods is forbidden"))
        elif script == "big":
            self.begin_chunks()
            self.chunk('{"metadata":{"resourceVersion":"5"},"items":[')
            for i in range(300):
                self.chunk(("," if i else "") + json.dumps(pod("b%d" % i, data="x" * 100000)))
            self.chunk("]}")
            return self.end()
        self.answer(200, page)

    # Watches ---------------------------------------------------------------------------------

    def event(self, kind, o):
        return json.dumps({"type": kind, "object": o}) + "\n"

    def watch(self, script):
        typed = {"kind": "Pod", "apiVersion": "v1"}
        if script == "refused":
            return self.answer(403, status(403, "Forbidden", "pods is forbidden"))
        if script == "guarded" and not self.may_pass():
            return self.pod_locked()
        if script == "never":
            return self.wait_for_client()
        self.begin_chunks()
        if script == "ends":
            both = (self.event("ADDED", {**typed, **pod("a", "8")})
                    + self.event("MODIFIED", {**typed, **pod("a", "9")})
                    + self.event("SOMETHING-NEW", {})
                    + self.event("DELETED", {**typed, **pod("a", "10")})
                    + self.event("BOOKMARK", {**typed, "metadata": {
                        "resourceVersion": "12",
                        "annotations": {"k8s.io/initial-events-end": "true"}}}))
            for i in range(0, len(both), 7):
                self.chunk(both[i:i + 7])
            return self.end()
        if script == "expires":
            self.chunk(self.event("ERROR", status(410, "Expired", "too old resource version")))
            return self.wait_for_client()
        if script == "garbage":
            self.chunk(self.event("ADDED", {**typed, **pod("a")}) + "{]\n")
        elif script == "truncated":
            self.chunk('{"type":"ADDED","obj')
            return self.end()
        elif script == "dies":
            self.chunk(self.event("ADDED", {**typed, **pod("a")}))
            return self.die()
        else:
            self.chunk(self.event("ADDED", {**typed, **pod("a")}))
        return self.wait_for_client()


def make_certificates(d, names="IP:127.0.0.1,DNS:inner.example"):
    def run(*args):
        subprocess.run(("openssl",) + args, check=True, cwd=d, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for ca in ("ca", "other"):
        run("req", "-x509", *ec, "-keyout", ca + ".key", "-out", ca + ".crt", "-days", "30",
            "-subj", "/CN=" + ca)
    for name, san in (("server", names), ("client", "DNS:client"), ("plugged", "DNS:client")):
        with open(os.path.join(d, name + ".ext"), "w") as f:
            f.write("subjectAltName=" + san + "\n")
        run("req", *ec, "-keyout", name + ".key", "-out", name + ".csr", "-subj",
            "/O=system:masters/CN=" + name)
        run("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", name + ".crt", "-days", "30", "-extfile", name + ".ext")


# A credential plugin: its answer is the file "credential" with the token of the file "token.now".
PLUGIN = """#!/bin/sh
cd %s
case $1 in
answer)
	echo run >>runs
	printf '%%s\\n' "$KUBERNETES_EXEC_INFO" >info
	echo "$COLOR $HOME" >environment
	sed "s/@TOKEN@/$(cat token.now)/; s/@EXPIRES@/$(cat expires)/" credential
	;;
fail) echo "your session is over: log in" >&2; exit 3 ;;
leak) echo '{"token": "s3cr3t"}'; kill -9 $$ ;;
hang) sleep 1000 & echo $! >child; echo $$ >hanging; echo "waiting for the portal" >&2; wait ;;
huge) yes ;;
background) sleep 1000 & echo $! >child; sed "s/@TOKEN@/x/; s/@EXPIRES@/2100-01-01T00:00:00Z/" credential ;;
*) printf '%%s\\n' "$1" ;;
esac
"""


def write_plugin(d):
    def pem(name):
        with open(os.path.join(d, name)) as f:
            return f.read()

    with open(os.path.join(d, "plugin"), "w") as f:
        f.write(PLUGIN % d)
    os.chmod(os.path.join(d, "plugin"), 0o700)
    with open(os.path.join(d, "credential"), "w") as f:
        json.dump({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
                   "status": {"token": "@TOKEN@", "expirationTimestamp": "@EXPIRES@",
                              "clientCertificateData": pem("plugged.crt"),
                              "clientKeyData": pem("plugged.key")}}, f)


def plugin_users(entry):
    version = "client.authentication.k8s.io/v1"

    def answer(**what):
        return json.dumps({"kind": "ExecCredential", "apiVersion": version, **what})

    arguments = {
        "answer": "answer", "fail": "fail", "leak": "leak", "hang": "hang", "huge": "huge",
        "background": "background", "garbage": "token=s3cr3t",
        "other-version": answer(apiVersion=version + "beta1", status={"token": "s3cr3t"}),
        "no-status": answer(), "empty": answer(status={}),
        "half": answer(status={"token": "s3cr3t", "clientKeyData": "s3cr3t"}),
        "never": answer(status={"token": "s3cr3t", "expirationTimestamp": "tomorrow"}),
        "line-break": answer(status={"token": "s3cr3t\nX: y"}),
    }
    users = [entry("user", "plugin-" + name, exec={
        "apiVersion": version, "command": "./plugin", "args": [argument], "provideClusterInfo": True,
        "env": [{"name": "COLOR", "value": "blue"}, {"name": "HOME", "value": "/elsewhere"}],
        "interactiveMode": "Never"}) for name, argument in arguments.items()]
    users.append(entry("user", "plugin-missing", exec={
        "apiVersion": version, "command": "no-such-plugin-here", "interactiveMode": "Never",
        "installHint": "install it from the shelf"}))
    users.append(entry("user", "plugin-always", exec={
        "apiVersion": version, "command": "./plugin", "interactiveMode": "Always"}))
    return users


class Proxy(threading.Thread):
    """An HTTP proxy that tunnels, whatever host is named, to this one."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))

    def pump(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve(self, client):
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        method, target = request.split()[:2]
        if method != b"CONNECT":
            return client.close()
        count("tunnels")
        server = socket.create_connection(("127.0.0.1", int(target.rsplit(b":", 1)[1])))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
        self.pump(server, client)

    def run(self):
        while True:
            client = self.socket.accept()[0]
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()


def write_kubeconfig(d, port, proxy):
    def entry(kind, name, **what):
        return {"name": name, kind: what}

    url = "https://127.0.0.1:%d" % port
    config = {
        "kind": "Config", "apiVersion": "v1", "current-context": "good",
        "clusters": [
            entry("cluster", "good", server=url, **{"certificate-authority": "ca.crt"}),
            entry("cluster", "old", server=url + "/old/", **{"certificate-authority": "ca.crt"}),
            entry("cluster", "other-ca", server=url, **{"certificate-authority": "other.crt"}),
            entry("cluster", "system-ca", server=url),
            entry("cluster", "insecure", server=url, **{"insecure-skip-tls-verify": True}),
            entry("cluster", "named", server="https://localhost:%d" % port,
                  **{"certificate-authority": "ca.crt", "tls-server-name": "inner.example"}),
            entry("cluster", "misnamed", server="https://localhost:%d" % port,
                  **{"certificate-authority": "ca.crt"}),
            entry("cluster", "proxied", server="https://inner.example:%d" % port,
                  **{"certificate-authority": "ca.crt",
                     "proxy-url": "http://127.0.0.1:%d" % proxy}),
            entry("cluster", "by-environment", server="https://inner.example:%d" % port,
                  **{"certificate-authority": "ca.crt"}),
            entry("cluster", "away-proxy", server=url,
                  **{"certificate-authority": "ca.crt", "proxy-url": "http://127.0.0.1:1"}),
            entry("cluster", "told", server=url, **{
                "certificate-authority": "ca.crt", "tls-server-name": "inner.example",
                "extensions": [{"name": "client.authentication.k8s.io/exec",
                                "extension": {"audience": "us"}}]}),
            entry("cluster", "nobody", server="https://127.0.0.1:1",
                  **{"certificate-authority": "ca.crt"}),
            entry("cluster", "no-such-host", server="https://no-such-host.invalid",
                  **{"certificate-authority": "ca.crt"}),
        ],
        "users": [
            entry("user", "good", token="s3cr3t", **{"client-certificate": "client.crt",
                                                     "client-key": "client.key"}),
            entry("user", "file", tokenFile="token", **{"client-certificate": "client.crt",
                                                        "client-key": "client.key"}),
            entry("user", "none"),
            entry("user", "masked", token="s3cr3t", **{
                "client-certificate": "client.crt", "client-key": "client.key", "as": "jane",
                "as-uid": "u1", "as-groups": ["dev", "ops"],
                "as-user-extra": {"example.com/scope": ["a", "b"]}}),
            *plugin_users(entry),
        ],
    }
    config["contexts"] = [entry("context", c["name"], cluster=c["name"], user="good",
                                namespace="team") for c in config["clusters"]]
    config["contexts"].append(entry("context", "token-file", cluster="good", user="file"))
    config["contexts"].append(entry("context", "no-certificate", cluster="good", user="none"))
    config["contexts"].append(entry("context", "masked", cluster="good", user="masked"))
    config["contexts"] += [entry("context", u["name"], cluster="told", user=u["name"])
                           for u in config["users"] if u["name"].startswith("plugin-")]
    with open(os.path.join(d, "kubeconfig"), "w") as f:
        json.dump(config, f)


def main():
    d = sys.argv[1]
    make_certificates(d)
    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(d, "server.crt"), os.path.join(d, "server.key"))
    context.load_verify_locations(os.path.join(d, "ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    # The handshake belongs to the connection's own thread, not to the one that accepts.
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    proxy = Proxy()
    proxy.start()
    write_plugin(d)
    write_kubeconfig(d, server.server_address[1], proxy.socket.getsockname()[1])
    with open(os.path.join(d, "proxy"), "w") as f:
        f.write("http://127.0.0.1:%d" % proxy.socket.getsockname()[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
