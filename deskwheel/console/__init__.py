"""The console: one page that shows what the pipeline has done, live or as a file.

Reads every table and the state database without a JVM; writes nothing.
"""
