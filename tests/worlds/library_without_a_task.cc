// A shared library like any other.
extern "C" int Nothing() { return 0; }
