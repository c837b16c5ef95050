// swift-tools-version: 6.2
// NEVER COMPILED, NEVER RUN by whoever wrote it: see README.md.

import PackageDescription

let package = Package(
    name: "holdfast-custody",
    platforms: [.macOS(.v26)], // ML-KEM in the Enclave, and SHA-3
    targets: [.executableTarget(name: "holdfast-custody", path: "Sources")],
    swiftLanguageModes: [.v5]
)
