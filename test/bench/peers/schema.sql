-- The tables of the PostgreSQL peer. The counts stand in the event's row, which the row lock guards.
CREATE TABLE users (user_id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE events (
  event_id text PRIMARY KEY,
  name text NOT NULL,
  capacity integer NOT NULL,
  has_waitlist boolean NOT NULL,
  created_at timestamptz NOT NULL,
  registered integer NOT NULL DEFAULT 0,
  waiting integer NOT NULL DEFAULT 0,
  last_position integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50); -- Room for the row's next versions in its own page, so that no index is touched.
CREATE TABLE registrations (
  registration_id uuid PRIMARY KEY,
  event_id text NOT NULL,
  user_id text NOT NULL REFERENCES users,
  created_at timestamptz NOT NULL,
  UNIQUE (event_id, user_id)
);
CREATE TABLE waitlist (
  entry_id uuid PRIMARY KEY,
  event_id text NOT NULL,
  user_id text NOT NULL REFERENCES users,
  position integer NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (event_id, user_id),
  UNIQUE (event_id, position)
);

-- The whole registration in one round trip, so that the row is locked for as short as can be.
CREATE FUNCTION register(the_event text, the_user text, new_id uuid, now timestamptz)
RETURNS TABLE (result text, its_position integer) LANGUAGE plpgsql AS $$
DECLARE e events;
BEGIN
  SELECT * INTO e FROM events WHERE event_id = the_event FOR UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'no-such-event', 0; RETURN; END IF;
  IF EXISTS (SELECT FROM registrations WHERE event_id = the_event AND user_id = the_user) THEN
    RETURN QUERY SELECT 'already-registered', 0; RETURN;
  END IF;
  IF EXISTS (SELECT FROM waitlist WHERE event_id = the_event AND user_id = the_user) THEN
    RETURN QUERY SELECT 'already-waitlisted', 0; RETURN;
  END IF;
  IF e.registered < e.capacity AND e.waiting = 0 THEN
    INSERT INTO registrations VALUES (new_id, the_event, the_user, now);
    UPDATE events SET registered = registered + 1 WHERE event_id = the_event;
    RETURN QUERY SELECT 'registered', 0;
  ELSIF e.has_waitlist THEN
    INSERT INTO waitlist VALUES (new_id, the_event, the_user, e.last_position + 1, now);
    UPDATE events SET waiting = waiting + 1, last_position = last_position + 1 WHERE event_id = the_event;
    RETURN QUERY SELECT 'waitlisted', e.last_position + 1;
  ELSE
    RETURN QUERY SELECT 'full', 0;
  END IF;
END $$;
