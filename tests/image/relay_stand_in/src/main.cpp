// A stand-in for rtmp_relay: see README.md for what it is and is not.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <regex>
#include <sstream>

#include "amf0.hpp"
#include "rtmp.hpp"

using rtmp::Message;
typedef std::vector<std::pair<std::string, std::string>> Fields;

static volatile sig_atomic_t stopped = 0;
static const double NO_MEDIA_S_MAX = 5.0;
static const size_t OUT_BYTES_MAX = 16 << 20;

static double now_s() {
    using namespace std::chrono;
    return duration<double>(steady_clock::now().time_since_epoch()).count();
}

struct Endpoint {
    bool client = false, input = false;
    std::string address, application, name;
    double reconnect_s = 5.0, retry_at_s = 0;
};

struct Connection {
    int fd = -1, id = 0;
    enum Kind { HOST, CLIENT, PAGE } kind = HOST;
    enum State { UNINITIALIZED, VERSION_SENT, ACK_SENT, DONE } state = UNINITIALIZED;
    enum Direction { NONE, INPUT, OUTPUT } direction = NONE;
    std::string in, out, address, application, name, description;
    bool closing = false, keyed = false, answered = false;
    double media_s = now_s();
    Endpoint* endpoint = nullptr;
    rtmp::Decoder decoder;
};

// What a new player of a stream is given first.
struct Stream { int id = 0; std::string description_json; Message description, video, audio; bool withheld = false; };

static std::string setting(const std::string& line, const std::string& pattern) {
    std::smatch found;
    return std::regex_search(line, found, std::regex(pattern)) ? found[1].str() : "";
}

static sockaddr_in parse(const std::string& address) {
    sockaddr_in out = {};
    const size_t colon = address.rfind(':');
    out.sin_family = AF_INET;
    if (colon == std::string::npos || inet_pton(AF_INET, address.substr(0, colon).c_str(), &out.sin_addr) != 1) {
        std::cerr << "Not an address: " << address << std::endl;
        exit(1);
    }
    out.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
    return out;
}

static std::string show(const sockaddr_in& address) {
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
}

class Relay {
public:
    explicit Relay(const std::string& path) {
        std::ifstream file(path);
        if (!file) { std::cerr << "Failed to open " << path << std::endl; exit(1); }
        for (std::string line; std::getline(file, line);) {
            if (line.find("statusPage:") == 0) page_ = listen_on(setting(line, "address: \"([^\"]*)\""));
            if (line.find("- {") == std::string::npos) continue;
            Endpoint e;
            e.client = setting(line, "type: ([a-z]*)") == "client";
            e.input = setting(line, "direction: ([a-z]*)") == "input";
            e.address = setting(line, "address: \\[\"([^\"]*)\"\\]");
            e.application = setting(line, "applicationName: \"([^\"]*)\"");
            e.name = setting(line, "streamName: \"([^\"]*)\"");
            const std::string interval_s = setting(line, "reconnectInterval: ([0-9.]+)");
            if (!interval_s.empty()) e.reconnect_s = std::stod(interval_s);
            endpoints_.push_back(e);
            if (!e.client && !listeners_.count(e.address)) listeners_[e.address] = listen_on(e.address);
        }
    }

    void step() {
        for (auto& endpoint : endpoints_) if (endpoint.client) dial(endpoint);
        std::vector<pollfd> watched;
        for (auto& listener : listeners_) watched.push_back({listener.second, POLLIN, 0});
        watched.push_back({page_, POLLIN, 0});
        const size_t first = watched.size();
        for (auto& c : connections_) watched.push_back({c->fd, static_cast<short>(POLLIN | (c->out.empty() ? 0 : POLLOUT)), 0});
        poll(watched.data(), watched.size(), 50);
        const size_t known = connections_.size();
        for (size_t i = 0; i < first; ++i) if (watched[i].revents) accept_from(watched[i].fd);
        for (size_t i = 0; i < known; ++i) if (watched[first + i].revents) serve(*connections_[i], watched[first + i].revents);
        sweep();
    }

private:
    int listen_on(const std::string& address) {
        const sockaddr_in where = parse(address);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int yes = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) || listen(fd, 64))
            std::cerr << "Failed to bind " << address << std::endl;  // and goes on, as the real one does
        return fd;
    }

    Connection& add(int fd, Connection::Kind kind, const std::string& address) {
        connections_.emplace_back(new Connection);
        Connection& c = *connections_.back();
        c.fd = fd; c.kind = kind; c.address = address; c.id = ++ids_;
        return c;
    }

    void accept_from(int listener) {
        sockaddr_in peer = {};
        socklen_t size = sizeof peer;
        const int fd = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) add(fd, listener == page_ ? Connection::PAGE : Connection::HOST, show(peer));
    }

    void dial(Endpoint& endpoint) {
        for (auto& c : connections_) if (c->endpoint == &endpoint) return;
        if (now_s() < endpoint.retry_at_s) return;
        const sockaddr_in where = parse(endpoint.address);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where);
        Connection& c = add(fd, Connection::CLIENT, endpoint.address);
        c.endpoint = &endpoint; c.application = endpoint.application; c.name = endpoint.name; c.direction = Connection::INPUT;
        c.out = std::string(1, '\3') + std::string(1536, '\0');
    }

    void serve(Connection& c, short events) {
        char buffer[65536];
        if (events & (POLLIN | POLLERR | POLLHUP)) {
            const ssize_t n = recv(c.fd, buffer, sizeof buffer, 0);
            if (n > 0) c.in.append(buffer, n);
            else if (n == 0 || (errno != EAGAIN && errno != EINTR)) c.closing = true;
        }
        if (c.kind == Connection::PAGE) answer_page(c);
        else if (c.state != Connection::DONE) shake(c);
        if (c.kind != Connection::PAGE && c.state == Connection::DONE) {
            std::vector<Message> messages;
            if (!c.decoder.decode(c.in, messages)) c.closing = true;
            for (const Message& message : messages) take(c, message);
        }
        flush(c);
    }

    void flush(Connection& c) {
        if (c.out.empty()) return;
        const ssize_t n = send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
        if (n > 0) c.out.erase(0, n);
        if (c.kind == Connection::CLIENT && c.state == Connection::UNINITIALIZED && n > 0) c.state = Connection::VERSION_SENT;
        if (c.out.size() > OUT_BYTES_MAX) c.closing = true;
    }

    void shake(Connection& c) {
        if (c.kind == Connection::CLIENT) {
            if (c.in.size() < 3073) return;
            c.out += c.in.substr(1, 1536);
            c.in.erase(0, 3073);
            c.state = Connection::DONE;
            const std::string url = "rtmp://" + c.address + "/" + c.application;
            command(c, 0, amf0::string("connect") + amf0::number(1) +
                              amf0::object(Fields{{"app", c.application}, {"tcUrl", url}, {"flashVer", "stand-in"}}));
        } else if (c.state == Connection::UNINITIALIZED && c.in.size() >= 1537) {
            c.out += '\3' + std::string(1536, '\0') + c.in.substr(1, 1536);
            c.in.erase(0, 1537);
            c.state = Connection::ACK_SENT;
        }
        if (c.state == Connection::ACK_SENT && c.in.size() >= 1536) {
            c.in.erase(0, 1536);
            c.state = Connection::DONE;
        }
    }

    void send_message(Connection& c, uint8_t type, uint32_t stream, const std::string& body, int csid, uint32_t timestamp = 0) {
        Message message;
        message.type = type; message.stream = stream; message.body = body; message.timestamp = timestamp;
        c.out += rtmp::encode(message, csid);
    }
    void command(Connection& c, uint32_t stream, const std::string& body) { send_message(c, rtmp::COMMAND, stream, body, 3); }
    void status(Connection& c, const std::string& code) {
        command(c, 1, amf0::string("onStatus") + amf0::number(0) + amf0::null() + amf0::object(Fields{{"level", "status"}, {"code", code}}));
    }

    void take(Connection& c, const Message& message) {
        switch (message.type) {
            case rtmp::COMMAND: obey(c, message.body); break;
            case rtmp::USER_CONTROL:  // a ping is answered
                if (message.body.substr(0, 2) == std::string("\0\6", 2))
                    send_message(c, rtmp::USER_CONTROL, 0, std::string("\0\7", 2) + message.body.substr(2), 2);
                break;
            case rtmp::AUDIO: case rtmp::VIDEO: case rtmp::DATA:
                if (c.direction == Connection::INPUT) relay(c, message);
        }
    }

    bool match(const Connection& c, bool input) const {
        for (const auto& e : endpoints_)
            if (!e.client && e.input == input && e.application == c.application && std::regex_match(c.name, std::regex(e.name))) return true;
        return false;
    }

    void obey(Connection& c, const std::string& body) {
        amf0::Reader reader(body);
        const std::string name = reader.next().text;
        const double transaction = reader.next().number;
        if (c.kind == Connection::CLIENT) {
            if (name == "_result" && transaction == 1) command(c, 0, amf0::string("createStream") + amf0::number(2) + amf0::null());
            if (name == "_result" && transaction == 2) command(c, 1, amf0::string("play") + amf0::number(0) + amf0::null() + amf0::string(c.name));
            if (name == "_error") c.closing = true;
            return;
        }
        amf0::Value argument = reader.next();
        if (name == "connect") {
            c.application = argument.fields["app"].text;
            send_message(c, rtmp::WINDOW, 0, rtmp::big(5000000, 4), 2);
            send_message(c, rtmp::BANDWIDTH, 0, rtmp::big(5000000, 4) + '\2', 2);
            command(c, 0, amf0::string("_result") + amf0::number(transaction) + amf0::object(Fields{{"fmsVer", "FMS/3,0,1,123"}}) +
                              amf0::object(Fields{{"level", "status"}, {"code", "NetConnection.Connect.Success"}}));
        } else if (name == "createStream") {
            command(c, 0, amf0::string("_result") + amf0::number(transaction) + amf0::null() + amf0::number(1));
        } else if (name == "publish" || name == "play") {
            c.name = reader.next().text;
            c.name = c.name.substr(0, c.name.find('?'));
            if (!match(c, name == "publish")) { c.closing = true; return; }
            c.direction = name == "publish" ? Connection::INPUT : Connection::OUTPUT;
            c.media_s = now_s();
            send_message(c, rtmp::USER_CONTROL, 0, std::string(5, '\0') + '\1', 2);
            status(c, name == "publish" ? "NetStream.Publish.Start" : "NetStream.Play.Start");
            if (c.direction == Connection::OUTPUT) welcome(c);
        } else if (name == "deleteStream" || name == "closeStream") {
            c.closing = true;
        }
    }

    void pass(Connection& c, const Message& message) {
        if (message.body.empty()) return;
        send_message(c, message.type, 1, message.body, message.type == rtmp::VIDEO ? 6 : message.type == rtmp::AUDIO ? 4 : 5, message.timestamp);
        c.media_s = now_s();
    }

    void welcome(Connection& c) {
        const Stream& stream = streams_[c.name];
        if (stream.withheld) return;
        pass(c, stream.description); pass(c, stream.video); pass(c, stream.audio);
    }

    void relay(Connection& c, Message message) {
        Stream& stream = streams_[c.name];
        c.media_s = now_s();
        const std::string& body = message.body;
        if (body.size() < 2) return;
        // The fault that is likely in the real one: a second pull brings no headers for new players.
        if (c.endpoint && !first_pull_) first_pull_ = c.id;
        stream.withheld = c.endpoint && first_pull_ != c.id;
        bool header = true;
        if (message.type == rtmp::DATA) {
            amf0::Reader reader(body);
            amf0::Value word = reader.next();
            if (word.text == "@setDataFrame") { message.body = body.substr(16); word = reader.next(); }
            if (word.text != "onMetaData") return;
            describe(c, reader.next());
            stream.description = message;
        } else if (message.type == rtmp::VIDEO && (body[0] & 15) == 7 && body[1] == 0) stream.video = message;
        else if (message.type == rtmp::AUDIO && (body[0] >> 4 & 15) == 10 && body[1] == 0) stream.audio = message;
        else header = false;
        const bool is_key = message.type == rtmp::VIDEO && (body[0] >> 4 & 15) == 1;
        for (auto& other : connections_) {
            if (other->direction != Connection::OUTPUT || other->name != c.name || other->closing) continue;
            if (is_key) other->keyed = true;
            if (header || other->keyed || message.type == rtmp::AUDIO) { pass(*other, message); flush(*other); }
        }
    }

    static void describe(Connection& c, const amf0::Value& value) {
        std::ostringstream json;
        for (const auto& item : value.fields) {
            if (json.tellp() > 0) json << ", ";
            json << '"' << item.first << "\":";
            if (item.second.kind == amf0::Value::NUMBER) json << std::fixed << item.second.number;
            else if (item.second.kind == amf0::Value::BOOLEAN) json << (item.second.number ? "true" : "false");
            else json << '"' << item.second.text << '"';
        }
        c.description = json.str();
    }

    std::string json(const Connection& c) const {
        const char* states[] = {"\"UNINITIALIZED\"", "\"VERSION_SENT\"", "\"ACK_SENT\",", "\"HANDSHAKE_DONE\""};
        const char* directions[] = {"NONE", "INPUT", "OUTPUT"};
        std::ostringstream out;
        out << "{\"id\":" << c.id << ",\"name\":\"" << c.name << "\",\"application\":\"" << c.application << "\",\"status\":\""
            << (c.state == Connection::UNINITIALIZED && c.kind == Connection::CLIENT ? "not connected" : "connected") << "\",\"address\":\""
            << c.address << "\",\"connection\":\"" << (c.kind == Connection::CLIENT ? "CLIENT" : "HOST") << "\",\"state\":" << states[c.state]
            << ",\"direction\":\"" << directions[c.direction] << '"';
        if (!c.description.empty()) out << ",\"metaData\":{" << c.description << '}';
        out << '}';
        return out.str();
    }

    void answer_page(Connection& c) {
        if (c.in.find("\r\n\r\n") == std::string::npos || c.answered) return;
        c.answered = true;
        std::string pending;
        std::map<std::string, std::string> streams;
        for (auto& other : connections_) {
            if (other->kind == Connection::PAGE) continue;
            std::string& list = other->direction == Connection::NONE ? pending : streams[other->name];
            list += (list.empty() ? "" : ",") + json(*other);
        }
        std::string body = "{\"pending_connections\":[" + pending + "], \"streams\":[", comma;
        for (auto& item : streams) {
            body += comma + "{\"id\": 2, \"applicationName\":\"live\", \"streamName\":\"" + item.first + "\", \"connections\": [" + item.second + "]}";
            comma = ",";
        }
        body += "]}";
        const bool is_right = c.in.find("GET /stats.json HTTP/1.") == 0;
        c.out = (is_right ? "HTTP/1.1 200 OK" : "HTTP/1.1 404 Not Found");
        c.out += "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
    }

    void sweep() {
        for (auto& c : connections_) {
            if (c->answered && c->out.empty()) c->closing = true;
            if (now_s() - c->media_s > NO_MEDIA_S_MAX) c->closing = true;
            if (!c->closing) continue;
            close(c->fd);
            if (c->endpoint) c->endpoint->retry_at_s = now_s() + c->endpoint->reconnect_s;
        }
        connections_.erase(std::remove_if(connections_.begin(), connections_.end(), [](const std::unique_ptr<Connection>& c) { return c->closing; }),
                           connections_.end());
    }

    std::vector<Endpoint> endpoints_;
    std::map<std::string, int> listeners_;
    std::map<std::string, Stream> streams_;
    std::vector<std::unique_ptr<Connection>> connections_;
    int page_ = -1, ids_ = 0, first_pull_ = 0;
};

int main(int argc, char** argv) {
    if (argc != 3 || std::string(argv[1]) != "--config") { std::cerr << "usage: rtmp_relay --config FILE" << std::endl; return 1; }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, [](int) { stopped = 1; });
    Relay relay(argv[2]);
    while (!stopped) relay.step();
    return 0;
}
