// NEVER COMPILED, NEVER RUN: see ../README.md.
// Deterministic CBOR, spec/codec.md, and the reading of records with exactly their fields. Every fault has its code.

import Foundation

/// A code of spec/errors.md. The text is ours and names no secret.
struct Fault: Error {
    let code: String
    let message: String

    init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }
}

enum Value {
    case integer(Int64)
    case bytes(Data)
    case text(String)
    case list([Value])
    case map([String: Value])
    case bool(Bool)
    case null
}

let maxSafeInteger: UInt64 = (1 << 53) - 1
private let maxDepth = 16

// MARK: Writing

func encoded(_ value: Value) -> Data {
    switch value {
    case .integer(let number) where number < 0: return head(1, UInt64(-1 - number))
    case .integer(let number): return head(0, UInt64(number))
    case .bytes(let bytes): return head(2, UInt64(bytes.count)) + bytes
    case .text(let text): return head(3, UInt64(text.utf8.count)) + Data(text.utf8)
    case .list(let all): return all.reduce(head(4, UInt64(all.count))) { $0 + encoded($1) }
    case .map(let fields):
        let ordered = fields.map { (encoded(.text($0.key)), encoded($0.value)) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
        return ordered.reduce(head(5, UInt64(ordered.count))) { $0 + $1.0 + $1.1 } // [CODEC-4]
    case .bool(let isTrue): return Data([isTrue ? 0xf5 : 0xf4])
    case .null: return Data([0xf6])
    }
}

private func head(_ major: UInt8, _ argument: UInt64) -> Data {
    let first = major << 5
    if argument < 24 { return Data([first | UInt8(argument)]) }
    if argument <= 0xff { return Data([first | 24, UInt8(argument)]) }
    let size = argument <= 0xffff ? 2 : argument <= 0xffff_ffff ? 4 : 8
    let info: UInt8 = size == 2 ? 25 : size == 4 ? 26 : 27
    return Data([first | info]) + bigEndian(argument, size)
}

func bigEndian(_ number: UInt64, _ size: Int) -> Data {
    Data((0..<size).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (size - 1 - $0))) })
}

// MARK: Reading

/// All of it, or a fault: truncated, trailing, noncanonical, limit, shape.
func decoded(_ input: Data, maxBytes: Int) throws -> Value {
    guard input.count <= maxBytes else { throw Fault("codec_limit", "more than \(maxBytes) bytes") } // [CODEC-7]
    var reader = Reader(input: [UInt8](input))
    let value = try reader.value(depth: 1)
    guard reader.isAtEnd else { throw Fault("codec_trailing", "something stands after the value") } // [CODEC-5]
    return value
}

private struct Reader {
    let input: [UInt8]
    var at = 0

    init(input: [UInt8]) {
        self.input = input
    }

    var isAtEnd: Bool { at == input.count }

    mutating func value(depth: Int) throws -> Value {
        guard depth <= maxDepth else { throw Fault("codec_limit", "deeper than \(maxDepth)") } // [CODEC-7]
        let first = try take(1)[0]
        let (major, info) = (first >> 5, first & 0x1f)
        if major == 7 {
            switch info {
            case 20: return .bool(false)
            case 21: return .bool(true)
            case 22: return .null
            default: throw Fault("codec_shape", "no such value here") // [CODEC-2]
            }
        }
        let number = try argument(info)
        switch major {
        case 0, 1:
            guard number <= maxSafeInteger - UInt64(major) else { throw Fault("codec_shape", "an integer is too large") }
            return .integer(major == 0 ? Int64(number) : -1 - Int64(number))
        case 2: return .bytes(Data(try take(number)))
        case 3: return .text(try text(number))
        case 4:
            var all: [Value] = []
            try mustHold(number)
            for _ in 0..<number { all.append(try value(depth: depth + 1)) }
            return .list(all)
        case 5: return .map(try fields(number, depth))
        default: throw Fault("codec_shape", "tags have no meaning here") // [CODEC-2]
        }
    }

    private mutating func argument(_ info: UInt8) throws -> UInt64 {
        switch info {
        case 0..<24: return UInt64(info)
        case 24...27:
            let size = 1 << Int(info - 24)
            let number = try take(UInt64(size)).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let least: UInt64 = size == 1 ? 24 : 1 << UInt64(4 * size)
            guard number >= least else { throw Fault("codec_noncanonical", "not in the shortest form") } // [CODEC-3]
            return number
        case 31: throw Fault("codec_noncanonical", "indefinite length") // [CODEC-3]
        default: throw Fault("codec_shape", "no such length")
        }
    }

    private mutating func fields(_ count: UInt64, _ depth: Int) throws -> [String: Value] {
        var found: [String: Value] = [:]
        var before: ArraySlice<UInt8> = []
        try mustHold(count)
        for _ in 0..<count {
            let from = at
            guard case .text(let key) = try value(depth: depth + 1) else { throw Fault("codec_shape", "a key is no text") }
            let written = input[from..<at]
            guard before.lexicographicallyPrecedes(written) else { throw Fault("codec_noncanonical", "keys out of order") } // [CODEC-4]
            before = written
            found[key] = try value(depth: depth + 1)
        }
        return found
    }

    private mutating func text(_ count: UInt64) throws -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else { throw Fault("codec_shape", "no UTF-8") }
        return text
    }

    private mutating func take(_ count: UInt64) throws -> [UInt8] {
        try mustHold(count)
        defer { at += Int(count) }
        return Array(input[at..<at + Int(count)])
    }

    /// Before anything is allocated: each element takes a byte at least. [CODEC-6]
    private func mustHold(_ count: UInt64) throws {
        guard count <= UInt64(input.count - at) else { throw Fault("codec_truncated", "the input ends inside a value") }
    }
}

// MARK: Records

/// The fields of one record; `end` refuses what nobody asked for. [CODEC-8] [CODEC-9]
struct Fields {
    private var rest: [String: Value]

    init(_ value: Value?) throws {
        guard case .map(let fields)? = value else { throw Fault("codec_shape", "a record expected") }
        rest = fields
    }

    mutating func bytes(_ name: String, _ count: Int) throws -> Data {
        try bytes(name, upTo: count, atLeast: count)
    }

    mutating func bytes(_ name: String, upTo most: Int, atLeast least: Int = 0) throws -> Data {
        guard case .bytes(let bytes)? = rest.removeValue(forKey: name) else { throw Fault("codec_shape", "\(name): bytes expected") }
        guard bytes.count >= least else { throw Fault("codec_shape", "\(name): too short") }
        guard bytes.count <= most else { throw Fault(least == most ? "codec_shape" : "codec_limit", "\(name): too long") }
        return bytes
    }

    /// `pattern` has to match the whole.
    mutating func text(_ name: String, max: Int, _ pattern: String = "(?s).*") throws -> String {
        guard case .text(let text)? = rest.removeValue(forKey: name) else { throw Fault("codec_shape", "\(name): text expected") }
        return try checked(name, text, max, pattern)
    }

    mutating func integer(_ name: String, _ range: ClosedRange<Int64> = 0...Int64(maxSafeInteger)) throws -> Int64 {
        guard case .integer(let number)? = rest.removeValue(forKey: name) else { throw Fault("codec_shape", "\(name): a number expected") }
        guard range.contains(number) else { throw Fault("codec_shape", "\(name): out of range") }
        return number
    }

    mutating func list(_ name: String, _ counts: ClosedRange<Int>) throws -> [Value] {
        guard case .list(let all)? = rest.removeValue(forKey: name) else { throw Fault("codec_shape", "\(name): a list expected") }
        guard counts.contains(all.count) else { throw Fault(all.count > counts.upperBound ? "codec_limit" : "codec_shape", "\(name): length") }
        return all
    }

    mutating func texts(_ name: String, _ counts: ClosedRange<Int>, max: Int, _ pattern: String) throws -> [String] {
        try list(name, counts).map {
            guard case .text(let text) = $0 else { throw Fault("codec_shape", "\(name): texts expected") }
            return try checked(name, text, max, pattern)
        }
    }

    mutating func record(_ name: String) throws -> Fields {
        try Fields(rest.removeValue(forKey: name))
    }

    mutating func any(_ name: String) throws -> Value {
        guard let value = rest.removeValue(forKey: name) else { throw Fault("codec_shape", "\(name) is missing") }
        return value
    }

    func has(_ name: String) -> Bool { rest[name] != nil }

    func end() throws {
        guard let unknown = rest.keys.sorted().first else { return }
        throw Fault("codec_shape", "unknown field \(unknown.prefix(64))")
    }

    private func checked(_ name: String, _ text: String, _ max: Int, _ pattern: String) throws -> String {
        guard text.utf16.count <= max else { throw Fault("codec_limit", "\(name): too long") }
        let whole = text.startIndex..<text.endIndex
        guard text.range(of: "\\A(?:\(pattern))\\z", options: .regularExpression) == whole
        else { throw Fault("codec_shape", "\(name): another form expected") }
        return text
    }
}
