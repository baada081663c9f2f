-- Says that it is ready and waits for the end of its input, so that its memory can be read.
io.write("ready\n")
io.flush()
io.read("a")
