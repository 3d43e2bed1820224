// RTMP's chunks: messages out of bytes and back. Part of the stand-in, see README.md.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rtmp {

enum Type { SET_CHUNK_SIZE = 1, USER_CONTROL = 4, WINDOW = 5, BANDWIDTH = 6, AUDIO = 8, VIDEO = 9, DATA = 18, COMMAND = 20 };

const size_t MESSAGE_BYTES_MAX = 8 << 20;
const size_t OUT_CHUNK_BYTES = 128;

struct Message {
    uint8_t type = 0;
    uint32_t timestamp = 0;
    uint32_t stream = 0;
    std::string body;
};

inline std::string big(uint32_t value, int bytes) {
    std::string out;
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
    return out;
}

inline std::string encode(const Message& message, int csid) {
    const bool extended = message.timestamp >= 0xffffff;
    const std::string more = extended ? big(message.timestamp, 4) : "";
    std::string out = big(csid, 1) + big(extended ? 0xffffff : message.timestamp, 3) + big(message.body.size(), 3) +
                      big(message.type, 1) + big(message.stream << 24, 4) + more;
    for (size_t at = 0; at < message.body.size(); at += OUT_CHUNK_BYTES) {
        if (at) out += big(0xc0 | csid, 1) + more;
        out += message.body.substr(at, OUT_CHUNK_BYTES);
    }
    return out;
}

// Takes whole chunks off the front of `in`; false when they make no sense.
class Decoder {
public:
    bool decode(std::string& in, std::vector<Message>& out) {
        size_t used;
        while (chunk(in, used, out)) in.erase(0, used);
        return !broken_;
    }

private:
    struct Lane { Message message; uint32_t delta = 0, length = 0; bool extended = false; std::string partial; };

    static uint32_t read(const std::string& in, size_t at, int bytes) {
        uint32_t n = 0;
        for (int i = 0; i < bytes; ++i) n = n << 8 | static_cast<uint8_t>(in[at + i]);
        return n;
    }

    bool chunk(const std::string& in, size_t& used, std::vector<Message>& out) {
        if (in.empty()) return false;
        const int format = static_cast<uint8_t>(in[0]) >> 6;
        uint32_t csid = in[0] & 0x3f;
        size_t at = 1 + (csid == 0) + 2 * (csid == 1);
        const size_t head[] = {11, 7, 3, 0};
        if (in.size() < at + head[format]) return false;
        if (csid < 2) csid = 64 + read(in, 1, csid + 1);
        Lane lane = lanes_[csid];
        uint32_t stamp = lane.extended ? 0xffffff : 0;
        if (format < 3) stamp = read(in, at, 3);
        if (format < 2) { lane.length = read(in, at + 3, 3); lane.message.type = in[at + 6]; }
        if (format == 0) lane.message.stream = static_cast<uint8_t>(in[at + 7]);
        at += head[format];
        lane.extended = stamp == 0xffffff;
        if (lane.extended) {
            if (in.size() < at + 4) return false;
            stamp = read(in, at, 4);
            at += 4;
        }
        const size_t want = std::min(size_, lane.length - lane.partial.size());
        if (lane.length > MESSAGE_BYTES_MAX) { broken_ = true; return false; }
        if (in.size() < at + want) return false;
        if (lane.partial.empty()) {  // a message begins
            if (format < 3) lane.delta = stamp;
            lane.message.timestamp = format == 0 ? stamp : lane.message.timestamp + lane.delta;
            if (format == 0) lane.delta = 0;
        }
        lane.partial += in.substr(at, want);
        used = at + want;
        if (lane.partial.size() == lane.length) {
            lane.message.body.swap(lane.partial);
            lane.partial.clear();
            if (lane.message.type == SET_CHUNK_SIZE && lane.message.body.size() == 4)
                size_ = std::max<uint32_t>(1, read(lane.message.body, 0, 4));
            out.push_back(lane.message);
        }
        lanes_[csid] = lane;
        return true;
    }

    std::map<uint32_t, Lane> lanes_;
    size_t size_ = 128;
    bool broken_ = false;
};

}  // namespace rtmp
