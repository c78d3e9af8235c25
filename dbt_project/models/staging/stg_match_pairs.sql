select contact_a, contact_b, score, verdict, reason
from {{ source('matching', 'pairs') }}
