select contact_a, contact_b
from {{ source('matching', 'waiting_pairs') }}
