"""Work on Ray: the cluster, what a job carries there, and what a training worker does and tells.

Driver and Ray's controller load everything here but `worker`, which brings the trainers.
"""
