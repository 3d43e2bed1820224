// AMF0, as much of it as RTMP commands and descriptions need. Part of the stand-in, see README.md.
#pragma once
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace amf0 {

struct Value {
    enum Kind { NUMBER, BOOLEAN, STRING, OBJECT, NONE } kind = NONE;
    double number = 0;
    std::string text;
    std::map<std::string, Value> fields;
};

inline std::string number(double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, 8);
    std::string out(1, '\0');
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift);
    return out;
}

inline std::string bare(const std::string& text) {
    return std::string{static_cast<char>(text.size() >> 8), static_cast<char>(text.size())} + text;
}

inline std::string string(const std::string& text) { return '\2' + bare(text); }

inline std::string null() { return "\5"; }

inline std::string object(const std::vector<std::pair<std::string, std::string>>& fields) {
    std::string out = "\3";
    for (const auto& field : fields) out += bare(field.first) + string(field.second);
    return out + std::string("\0\0\t", 3);
}

class Reader {
public:
    explicit Reader(const std::string& body) : body_(body) {}

    bool done() const { return at_ >= body_.size(); }

    Value next(int depth = 0) {
        Value value;
        if (depth > 8) { at_ = body_.size(); return value; }
        switch (byte()) {
            case 0: value.kind = Value::NUMBER; value.number = real(); break;
            case 1: value.kind = Value::BOOLEAN; value.number = byte(); break;
            case 2: value.kind = Value::STRING; value.text = take(size(2)); break;
            case 8: size(4);  // fall through: an array is an object with a count in front
            // FALLTHRU
            case 3:
                value.kind = Value::OBJECT;
                while (!done()) {
                    const std::string key = take(size(2));
                    if (key.empty() && peek() == 9) { byte(); break; }
                    value.fields[key] = next(depth + 1);
                }
                break;
            case 5: case 6: break;
            default: at_ = body_.size();
        }
        return value;
    }

private:
    uint8_t peek() const { return done() ? 0 : static_cast<uint8_t>(body_[at_]); }
    uint8_t byte() { const uint8_t b = peek(); ++at_; return b; }
    uint32_t size(int bytes) { uint32_t n = 0; while (bytes--) n = n << 8 | byte(); return n; }
    std::string take(size_t n) {
        if (at_ >= body_.size()) return "";
        std::string part = body_.substr(at_, n);
        at_ += n;
        return part;
    }
    double real() {
        uint64_t bits = static_cast<uint64_t>(size(4)) << 32;
        bits |= size(4);
        double value;
        std::memcpy(&value, &bits, 8);
        return value;
    }

    const std::string body_;
    size_t at_ = 0;
};

}  // namespace amf0
