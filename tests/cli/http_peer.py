# SPDX-License-Identifier: Apache-2.0
"""http_peer - a server on loopback that answers as a test wants it to."""

import http.server
import threading


class Peer:
    """answers: a list of (status, body), the last one for ever."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.requests = []
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                peer.requests.append(
                    (self.path, dict(self.headers.items()), body))
                answer = peer.answers[0]
                if len(peer.answers) > 1:
                    peer.answers.pop(0)
                status, text = answer(body) if callable(answer) else answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
